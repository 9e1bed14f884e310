#!/usr/bin/env python3
"""Runs lab tests: main.py [NAME ...], for example main.py test_doors or test_doors.Doors.test_x.

Exit status 0: all passed; 1: something failed; 77: this machine does not permit a lab.
"""

import os
import pathlib
import signal
import sys
import unittest

import lab

# seconds; a test that hangs still cleans up, before ctest would kill it. script/soak has no ctest.
TIME_LIMIT = 3600 if os.environ.get("POSTERN_SOAK") == "1" else 240


class Result(unittest.TextTestResult):
    """Shows the daemon's log with each failure."""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._show_log(test)

    def addError(self, test, err):
        super().addError(test, err)
        self._show_log(test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self._show_log(test)

    def _show_log(self, test):
        if getattr(test, "daemon", None):
            self.stream.writeln(f"--- log of the daemon in {test}:\n{test.daemon.log()}---")


def stop(number, _frame):
    # unittest lets KeyboardInterrupt alone through, and the labs go down at exit.
    raise KeyboardInterrupt(signal.Signals(number).name)


def main():
    if why := lab.why_not():
        print(f"SKIPPED: needs root and network namespaces ({why})")
        return 77
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, stop)
    signal.alarm(TIME_LIMIT)
    here = pathlib.Path(__file__).parent
    names = sys.argv[1:] or sorted(path.stem for path in here.glob("test_*.py"))
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
