# In front of what a simulated node's Python runs: a host's loopback is its own, and all simulated
# nodes share this machine's, so port 443 of it is here the port of this node's hostd.
import os, socket, sys
def connect(self, address, port=int(os.environ['SIMULATED_HOSTD_PORT']), real=socket.socket.connect):
    return real(self, (address[0], port) if tuple(address[:2]) == ('127.0.0.1', 443) else address)
socket.socket.connect = connect
exec(compile(sys.argv[1] if len(sys.argv) > 1 else sys.stdin.read(), '<program>', 'exec'), {'__name__': '__main__'})
