date(){ /bin/date "$@"; }; absent(){ echo "/bin/sh: $1: not found" >&2; return 127; }; getopt(){ absent getopt; }; realpath(){ absent realpath; }; xxd(){ absent xxd; };
