# ECoMan reads the inventory of this host from the host's own agent (hostd), with one sign-in. It
# changes nothing and writes no file. It arrives on standard input, this part and one of two others
# that use it, and runs on Python 2.7 and on 3.5 and later, with the standard library alone.
#
# Answer, on standard output: `ECO1 begin`, then for each part `ECO1 part NAME BYTES` and so many
# bytes and a line end, at last `ECO1 end parts=N ...` or `ECO1 fail KIND WORDS`.
import os
import re
import sys
import time

OUT = getattr(sys.stdout, 'buffer', sys.stdout)
ADDRESS = '127.0.0.1'
PORT = 443
INVENTORY = '/etc/vmware/hostd/vmInventory.xml'
# A healthy host needs a second. Nothing here outlives this, even if nobody is left to read it.
SECONDS = 45
SECONDS_SILENT = 20
SECONDS_TO_END = 5
MOST_BYTES = 32 * 1024 * 1024
MOST_PAGES = 1000
# hostd closes a connection that nobody uses.
SECONDS_FRESH = 5
# Some releases of Python reserve at once as much as is asked for.
PIECE = 64 * 1024

ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>'
    '<%s xmlns="urn:vim25"><_this type="%s">%s</_this>%s</%s>'
    '</e:Body></e:Envelope>'
)

HOST = (
    'runtime.bootTime', 'runtime.inMaintenanceMode', 'summary.hardware',
    'summary.overallStatus', 'summary.quickStats',
)
# Each is older than 5.5: one that a host does not know fails the whole question.
MACHINE = (
    'config.version', 'summary.config', 'summary.guest', 'summary.overallStatus',
    'summary.quickStats', 'summary.storage', 'summary.runtime.bootTime',
    'summary.runtime.connectionState', 'summary.runtime.consolidationNeeded',
    'summary.runtime.powerState', 'summary.runtime.question',
)


class Failed(Exception):
    """What ends the reading: its kind, and words about it."""

    def __init__(self, kind, words, body=None):
        Exception.__init__(self, words)
        self.kind = kind
        self.words = words
        self.body = body


def say(line):
    OUT.write(''.join(c if ' ' <= c <= '~' else '?' for c in line)[:400].encode('ascii') + b'\n')


def part(name, pieces):
    say('ECO1 part %s %d' % (name, sum(len(piece) for piece in pieces)))
    for piece in pieces:
        OUT.write(piece)
    OUT.write(b'\n')


def to_bytes(text):
    return text if str is bytes else text.encode('utf-8')


def to_text(raw):
    return raw if str is bytes else raw.decode('utf-8', 'replace')


def escaped(text):
    return text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')


def plain(text):
    for name, sign in (('lt', '<'), ('gt', '>'), ('quot', '"'), ('apos', "'"), ('amp', '&')):
        text = text.replace('&' + name + ';', sign)
    return text


def value(body, name):
    """The text of the first element of this name, under whichever prefix."""
    name = name.encode('ascii')
    found = re.search(b'<(?:[A-Za-z_][\\w.-]*:)?' + name + b'(?:\\s[^<>]*)?>([^<>]*)<', body)
    return plain(to_text(found.group(1))) if found else None


class Hostd(object):
    def __init__(self):
        import socket
        import ssl
        try:
            from http import client
        except ImportError:
            import httplib as client
        self.broken = (socket.error, socket.timeout, ssl.SSLError, client.HTTPException)
        options = {'timeout': SECONDS_SILENT}
        # The host talks to itself: a certificate would prove nothing.
        if hasattr(ssl, '_create_unverified_context'):
            options['context'] = ssl._create_unverified_context()
        self.connection = client.HTTPSConnection(ADDRESS, PORT, **options)
        self.action = 'urn:vim25'
        self.cookie = None
        self.read_bytes = 0
        self.used_at = None

    def ask(self, method, kind, this, arguments=''):
        """Asks hostd; its answer in pieces."""
        idle = self.used_at is not None and abs(time.time() - self.used_at) > SECONDS_FRESH
        try:
            self.send(method, kind, this, arguments)
            return self.receive(method)
        except Failed as failed:
            if failed.kind != 'hostd' or not idle:
                raise
        self.send(method, kind, this, arguments)
        return self.receive(method)

    def send(self, method, kind, this, arguments=''):
        body = ENVELOPE % (method, kind, escaped(this), arguments, method)
        headers = {
            'Content-Type': 'text/xml; charset=UTF-8',
            'SOAPAction': self.action,
            'User-Agent': 'ECoMan',
        }
        if self.cookie:
            headers['Cookie'] = self.cookie
        try:
            self.connection.request('POST', '/sdk', to_bytes(body), headers)
        except self.broken as error:
            self.gone(method, error)

    def gone(self, method, error):
        # The next request opens another connection.
        self.connection.close()
        raise Failed('hostd', '%s: %s %s' % (method, type(error).__name__, error))

    def receive(self, method):
        """The answer to what was sent, in pieces."""
        try:
            answer = self.connection.getresponse()
            pieces = self.pieces(answer)
        except self.broken as error:
            self.gone(method, error)
        self.used_at = time.time()
        head = pieces[0] if pieces else b''
        if re.search(b'<(?:[A-Za-z_][\\w.-]*:)?Fault[\\s>]', head[:4096]):
            raise Failed('fault', method, pieces)
        if answer.status in (404, 502, 503, 504):
            raise Failed('hostd', '%s: HTTP status %d' % (method, answer.status))
        if answer.status != 200:
            raise Failed('answer', '%s: HTTP status %d' % (method, answer.status))
        cookie = re.search('vmware_soap_session=("[^"]*"|[^";,\\s]*)',
                           answer.getheader('Set-Cookie') or '')
        if cookie:
            self.cookie = cookie.group(0)
        return pieces

    def pieces(self, answer):
        pieces = []
        while True:
            piece = answer.read(PIECE)
            if not piece:
                return pieces
            pieces.append(piece)
            self.read_bytes += len(piece)
            if self.read_bytes > MOST_BYTES:
                raise Failed('limit', 'more than %d bytes' % MOST_BYTES)

    def sign_in(self, manager, user):
        body = b''.join(self.ask('AcquireLocalTicket', 'SessionManager', manager,
                                 '<userName>%s</userName>' % escaped(user)))
        path = value(body, 'passwordFilePath')
        if not path:
            raise Failed('answer', 'AcquireLocalTicket: no passwordFilePath')
        try:
            with open(path, 'rb') as ticket:
                word = to_text(ticket.read(4096)).strip()
        except (IOError, OSError) as error:
            raise Failed('ticket', str(error))
        self.ask('Login', 'SessionManager', manager,
                 '<userName>%s</userName><password>%s</password>'
                 % (escaped(value(body, 'userName') or user), escaped(word)))

    def sign_out(self, manager):
        self.connection.timeout = SECONDS_TO_END
        if self.connection.sock:
            self.connection.sock.settimeout(SECONDS_TO_END)
        try:
            self.ask('Logout', 'SessionManager', manager)
        except Failed:
            # hostd ends sessions that nobody uses by itself.
            pass


def paths(kind, names):
    return '<propSet><type>%s</type><all>false</all>%s</propSet>' % (
        kind, ''.join('<pathSet>%s</pathSet>' % name for name in names))


MACHINES = (
    '<objectSet><obj type="Folder">ha-folder-vm</obj><skip>true</skip>'
    '<selectSet xsi:type="TraversalSpec"><name>down</name><type>Folder</type>'
    '<path>childEntity</path><skip>false</skip>'
    '<selectSet><name>down</name></selectSet></selectSet></objectSet>'
)


def question():
    return (
        '<specSet>'
        + paths('HostSystem', HOST)
        + paths('Datastore', ('summary',))
        + paths('VirtualMachine', MACHINE)
        + '<objectSet><obj type="HostSystem">ha-host</obj><skip>false</skip>'
          '<selectSet xsi:type="TraversalSpec"><type>HostSystem</type><path>datastore</path>'
          '<skip>false</skip></selectSet></objectSet>'
        + MACHINES
        + '</specSet><options/>'
    )


class Session(object):
    """A session of hostd."""

    def __init__(self):
        user = os.environ.get('USER')
        if not user:
            raise Failed('ticket', 'the environment has no USER')
        self.hostd = hostd = Hostd()
        self.content = hostd.ask('RetrieveServiceContent', 'ServiceInstance', 'ServiceInstance')
        about = b''.join(self.content)
        version = value(about, 'apiVersion')
        self.collector = value(about, 'propertyCollector')
        self.manager = value(about, 'sessionManager')
        if not (version and self.collector and self.manager and re.match('[\\w.]+$', version)):
            raise Failed('answer', 'RetrieveServiceContent: no apiVersion, propertyCollector or '
                                   'sessionManager')
        # Without a version a host takes the caller for one of 2007.
        hostd.action = 'urn:vim25/' + version
        try:
            hostd.sign_in(self.manager, user)
        except Failed as failed:
            # A ticket lives for ten seconds: a busy host may have let the first one run out.
            if failed.kind not in ('fault', 'ticket'):
                raise
            hostd.cookie = None
            hostd.sign_in(self.manager, user)

    def pages(self, asked):
        """Passes on the answer to a question, page by page; how many there were."""
        hostd = self.hostd
        hostd.read_bytes = 0
        count = 0
        pieces = hostd.ask('RetrievePropertiesEx', 'PropertyCollector', self.collector, asked)
        while True:
            part('page', pieces)
            count += 1
            token = value(pieces[0][:4096] if pieces else b'', 'token')
            if not token:
                return count
            if count > MOST_PAGES:
                raise Failed('limit', 'more than %d pages' % MOST_PAGES)
            pieces = hostd.ask('ContinueRetrievePropertiesEx', 'PropertyCollector',
                               self.collector, '<token>%s</token>' % escaped(token))

    def everything(self):
        """Passes on everything that hostd knows."""
        part('content', self.content)
        count = 1 + self.pages(question()) + inventory()
        say('ECO1 end parts=%d %s' % (count, cost()))
        OUT.flush()

    def end(self):
        self.hostd.sign_out(self.manager)


def inventory():
    """The host's own list of VMs, a second opinion on which there are; not every host has it."""
    try:
        with open(INVENTORY, 'rb') as file:
            body = file.read(4 * 1024 * 1024)
    except (IOError, OSError):
        return 0
    part('inventory', [body])
    return 1


SPENT = [0]


def cost():
    """What was spent since the last time."""
    words = 'python=%d.%d.%d' % sys.version_info[:3]
    try:
        import resource
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = 1000 * (used.ru_utime + used.ru_stime)
        words += ' cpu_ms=%d peak_kb=%d' % (spent - SPENT[0], used.ru_maxrss)
        SPENT[0] = spent
    except (ImportError, ValueError, OSError):
        pass
    return words


def late(number, frame):
    import signal
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(6)
    raise Failed('time', 'longer than %d seconds' % SECONDS)


def run(work):
    try:
        import signal
        signal.signal(signal.SIGALRM, late)
        signal.alarm(SECONDS)
        work()
        return 0
    except Failed as failed:
        if failed.body is not None:
            part('fault', failed.body)
        say('ECO1 fail %s %s' % (failed.kind, failed.words))
    except MemoryError:
        say('ECO1 fail memory MemoryError')
    except ImportError as error:
        say('ECO1 fail python %s' % error)
    except Exception as error:
        say('ECO1 fail program %s %s' % (type(error).__name__, error))
    OUT.flush()
    return 3
