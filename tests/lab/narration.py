"""How the tour speaks: what it does, what comes back, and whether that is what was expected."""


class StepFailed(Exception):
    pass


def say(text=""):
    print(text, flush=True)


def show(text):
    for line in text.rstrip().splitlines():
        say(f"    {line}")


def step(text):
    say(f"\n* {text}")


def check(seen, what):
    say(f"  {'ok:' if seen else 'FAILED:'} {what}")
    if not seen:
        raise StepFailed(what)
