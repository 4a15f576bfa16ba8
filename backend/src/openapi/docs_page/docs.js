// Shows this server's own document. Calls go to this server, with the session of this browser.
(async () => {
  const place = document.getElementById('docs');
  try {
    const answer = await fetch('../v1/openapi.json');
    if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
    const spec = await answer.json();
    for (const operation of Object.values(spec.paths).flatMap(Object.values)) {
      for (const parameter of operation.parameters ?? []) {
        // A call that is tried begins with what it must have, not with an example of every filter.
        if (parameter.required || parameter.example === undefined) continue;
        parameter.description += ` Example: \`${parameter.example}\``;
        delete parameter.example;
        delete parameter.schema?.example;
      }
    }
    SwaggerUIBundle({
      spec,
      domNode: place,
      deepLinking: true,
      displayOperationId: true,
      displayRequestDuration: true,
      docExpansion: 'list',
      defaultModelsExpandDepth: 0,
      requestSnippetsEnabled: true,
      tryItOutEnabled: true,
      // Asks a stranger whether the document is valid unless this forbids it.
      validatorUrl: null,
    });
  } catch (error) {
    place.textContent = `The API's description could not be loaded: ${error.message}.`;
  }
})();
