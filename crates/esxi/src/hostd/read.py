

# The program that reads once.
def read():
    session = Session()
    try:
        session.everything()
    finally:
        session.end()


say('ECO1 begin')
# The last line starts it: of a program that is cut on its way nothing runs.
sys.exit(run(read))
