// Applies the colours that the reader has chosen before anything is drawn: see src/theme.rs.
try {
  const theme = localStorage.getItem("ecoman-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // A browser that forbids storage follows the system.
}
