# The life of the package, in a root of its own: installed, used, upgraded, removed, purged.
# `set -e` lets no line after the first that fails.
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
mount -t proc proc /proc
owner() { stat -c '%U:%G %a' "$1"; }

dpkg --install /tmp/older.deb
test "$(owner /etc/ecoman)" = 'root:ecoman 750'
test "$(owner /etc/ecoman/ecoman.env)" = 'root:ecoman 640'
test "$(owner /var/lib/ecoman)" = 'ecoman:ecoman 750'
test ! -e /etc/systemd/system/multi-user.target.wants/ecoman.service

# As root, and what is left is the service's.
printf 'correct horse battery\n' | ecoman user add alice --role admin
test "$(owner /var/lib/ecoman/access/users.json)" = 'ecoman:ecoman 600'
test -z "$(find /var/lib/ecoman ! -user ecoman)"
code=0; ecoman doctor 2>/tmp/said || code=$?
test "$code" = 2
grep -q 'cannot read /etc/ecoman/hosts.yml' /tmp/said
# A variable that is set wins over the file.
HOSTS_PATH=/nowhere/hosts.yml ecoman doctor 2>/tmp/said || true
grep -q 'cannot read /nowhere/hosts.yml' /tmp/said

# An upgrade keeps what is the administrator's.
echo 'DASHBOARD_PORT=8001' >> /etc/ecoman/ecoman.env
chmod 600 /etc/ecoman/ecoman.env
dpkg --install /tmp/newer.deb
test "$(dpkg-query --showformat '${Version}' --show ecoman)" = 0.0.2
grep -q '^DASHBOARD_PORT=8001$' /etc/ecoman/ecoman.env
test "$(owner /etc/ecoman/ecoman.env)" = 'root:ecoman 600'
ecoman user list | grep -q '^alice '

# Removing keeps the data, purging takes it.
dpkg --remove ecoman
test ! -e /usr/bin/ecoman
test -e /var/lib/ecoman/access/users.json
test -e /etc/ecoman/ecoman.env
dpkg --purge ecoman
test ! -e /var/lib/ecoman
test ! -e /etc/ecoman
if getent passwd ecoman; then exit 1; fi
