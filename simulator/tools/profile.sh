date(){ /bin/date "$@"; };
