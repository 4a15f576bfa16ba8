

# The program that stays. It reads everything when a line `read` comes, and whenever hostd says that
# a VM has changed it reads that VM again: `ECO1 update` instead of `ECO1 begin`. `ECO1 moved`: one
# has come or gone. It ends with standard input, or when no line has come for SECONDS.
SECONDS_QUIET = 15
SECONDS_APART = 1


class Watch(object):
    """Asks hostd what has changed, over a connection of its own: the answer takes its time."""

    def __init__(self, session):
        self.session = session
        session.hostd.ask('CreateFilter', 'PropertyCollector', session.collector,
                          '<spec>' + paths('VirtualMachine', WATCHED) + MACHINES
                          + '</spec><partialUpdates>true</partialUpdates>')
        self.hostd = Hostd()
        self.hostd.action = session.hostd.action
        self.hostd.cookie = session.hostd.cookie
        self.version = None
        self.is_sent = False
        # The first answer has everything as it is.
        self.send()
        self.changes()

    def send(self):
        version = '<version>%s</version>' % escaped(self.version) if self.version else ''
        self.hostd.send('WaitForUpdatesEx', 'PropertyCollector', self.session.collector,
                        version + '<options><maxWaitSeconds>%d</maxWaitSeconds></options>'
                        % SECONDS_QUIET)
        self.is_sent = True

    def changes(self):
        """The ids of VMs that have changed, and whether one has come or gone."""
        self.is_sent = False
        self.hostd.read_bytes = 0
        body = b''.join(self.hostd.receive('WaitForUpdatesEx'))
        self.version = value(body, 'version') or self.version
        changed = set()
        moved = False
        # Whatever else looks like one makes a VM be read once more.
        for found in re.split(b'<(?:[A-Za-z_][\\w.-]*:)?objectSet(?:\\s[^<>]*)?>', body)[1:]:
            vm = re.search(b'<(?:[A-Za-z_][\\w.-]*:)?obj\\s[^<>]*type="VirtualMachine"[^<>]*>'
                           b'([^<>]+)<', found)
            if not vm:
                continue
            if value(found, 'kind') == 'modify':
                changed.add(plain(to_text(vm.group(1))))
            else:
                moved = True
        return changed, moved


# What hostd notifies of. It does not notify of use.
WATCHED = tuple(path for path in MACHINE if path != 'summary.quickStats')


def question_of(ids):
    return (
        '<specSet>' + paths('VirtualMachine', MACHINE)
        + ''.join('<objectSet><obj type="VirtualMachine">%s</obj><skip>false</skip></objectSet>'
                  % escaped(vm) for vm in sorted(ids))
        + '</specSet><options/>'
    )


def update(session, ids):
    """Passes on what hostd says now of some VMs."""
    try:
        say('ECO1 update')
        count = session.pages(question_of(ids))
        say('ECO1 end parts=%d' % count)
    except Failed as failed:
        if failed.kind != 'fault':
            raise
        # One of them has gone.
        say('ECO1 moved')
    OUT.flush()


def stay(session):
    import select
    import signal
    watch = Watch(session)
    heard = b''
    ids = set()
    moved = False
    said_at = 0
    asked_at = 0
    while True:
        now = time.time()
        due = not 0 <= now - said_at < SECONDS_APART
        if due and (ids or moved):
            said_at = now
            if ids:
                update(session, ids)
            if moved:
                say('ECO1 moved')
                OUT.flush()
            ids, moved = set(), False
        elif not 0 <= now - said_at < SECONDS_QUIET:
            said_at = now
            say('ECO1 alive')
            OUT.flush()
        if not watch.is_sent and not 0 <= now - asked_at < SECONDS_APART:
            asked_at = now
            watch.send()
        wanted = [0] + ([watch.hostd.connection.sock] if watch.is_sent else [])
        waits = watch.is_sent and not ids and not moved
        ready = select.select(wanted, [], [], SECONDS_QUIET if waits else SECONDS_APART)[0]
        if 0 in ready:
            piece = os.read(0, 4096)
            if not piece:
                return
            signal.alarm(SECONDS)
            heard = (heard + piece)[-4096:]
            lines = heard.split(b'\n')
            heard = lines.pop()
            if b'read' in lines:
                say('ECO1 begin')
                session.everything()
        if len(ready) > (0 in ready):
            more, is_moved = watch.changes()
            ids |= more
            moved = moved or is_moved


def follow():
    say('ECO1 ready')
    OUT.flush()
    session = Session()
    try:
        stay(session)
    finally:
        session.end()


# The last line starts it: of a program that is cut on its way nothing runs.
sys.exit(run(follow))
# The end.
