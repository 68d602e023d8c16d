# SPDX-License-Identifier: MIT
"""CPython's own tests of its executors and futures, of the interpreter that runs this, with jobmill's in their place.

What is left out has its reason in ``LEFT_OUT``, which is printed at the end.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import pickle
import sys
import unittest
from concurrent import futures
from typing import Any, Dict, List

import surroundings

import jobmill

try:
    _suite = importlib.import_module("test.test_concurrent_futures")
    from test import support
except ImportError as missing:
    raise unittest.SkipTest(
        f"{sys.executable} has no tests of its own (Debian: libpython3-testsuite): {missing}"
    ) from None

_INTERNALS = "looks at the members of ProcessPoolExecutor: its processes, threads and queues"
_INHERITED = "gives a semaphore to workers that inherit it; these do not descend from the program"
_ISOLATION = "wants the whole pool to break; here a worker that dies costs its job alone"
_INITIALIZER = "wants the pool to break; here each job is told InitializerFailed, which is a BrokenExecutor, and nothing is logged"

#: CLASS.test: why it is not run.
LEFT_OUT: Dict[str, str] = {
    "Shutdown.test_processes_terminate": _INTERNALS,
    "Shutdown.test_context_manager_shutdown": _INTERNALS,
    "Shutdown.test_del_shutdown": _INTERNALS,
    "Shutdown.test_shutdown_no_wait": _INTERNALS,
    "Shutdown.test_cancel_futures": "wants one of its jobs to run by chance before all are cancelled; see test_executor",
    "Executor.test_max_workers_too_large": "is about Windows",
    "Executor.test_killed_child": _ISOLATION,
    "Executor.test_saturation": _INHERITED,
    "Executor.test_idle_process_reuse_one": _INTERNALS,
    "Executor.test_idle_process_reuse_multiple": _INTERNALS,
    "Executor.test_max_tasks_per_child": _INTERNALS,
    "Executor.test_max_tasks_per_child_defaults_to_spawn_context": _INTERNALS,
    "Executor.test_python_finalization_error": "wants the pool to break by threads that cannot be started, which are not needed here",
    "Executor.test_force_shutdown_workers": _INTERNALS,
    "Executor.test_force_shutdown_workers_dead": _INTERNALS,
    "Deadlock.test_shutdown_deadlock_pickle": _INTERNALS,
    "Deadlock.test_gh105829_should_not_deadlock_if_wakeup_pipe_full": "replaces the queues of ProcessPoolExecutor",
    "FailingInitializer.test_initializer": _INITIALIZER,
    "Future.test_cancel": "wants cancel() of a running future to answer False; here it stops the job",
}

#: Where CPython wants BrokenProcessPool: what this job alone is told.
IN_PLACE_OF_BROKEN: Dict[str, type] = {
    "test_exit_at_task_unpickle": SystemExit,
    "test_error_at_task_unpickle": pickle.UnpicklingError,
    "test_crash_at_task_unpickle": jobmill.WorkerDied,
    "test_crash_during_func_exec_on_worker": jobmill.WorkerDied,
    "test_crash_during_result_pickle_on_worker": jobmill.WorkerDied,
    "test_error_during_result_unpickle_in_result_handler": pickle.UnpicklingError,
    "test_exit_during_result_unpickle_in_result_handler": SystemExit,
    "test_shutdown_deadlock": jobmill.WorkerDied,
    "test_crash_big_data": jobmill.WorkerDied,
}

_PARTS = "util executor test_as_completed test_deadlock test_future test_init test_process_pool test_shutdown test_wait"


def _modules() -> List[Any]:
    """One up to Python 3.11, a package's afterwards."""
    if not hasattr(_suite, "__path__"):
        return [_suite]
    return [importlib.import_module(f"{_suite.__name__}.{part}") for part in _PARTS.split()]


def _module_of(name: str) -> Any:
    return next(module for module in _modules() if hasattr(module, name))


def _find(name: str) -> Any:
    return getattr(_module_of(name), name)


_assert_python_ok = importlib.import_module("test.support.script_helper").assert_python_ok


def _assert_python_ok_here(option: str, program: str, **others: Any) -> Any:
    """A program of which the import line alone is changed."""
    line = "from concurrent.futures import Executor"
    assert line in program
    here = f"import sys; sys.path.insert(0, {surroundings.PACKAGE_PARENT!r}); from jobmill import Executor"
    return _assert_python_ok(option, program.replace(line, here), **others)


class _Jobmill(_find("ExecutorMixin")):
    executor_type = jobmill.Executor

    def setUp(self) -> None:
        # What a test before has left is that test's.
        support.environment_altered = False
        super().setUp()

    def tearDown(self) -> None:
        super().tearDown()
        self.assertFalse(support.environment_altered, "threads or processes were left")

    def get_context(self) -> Any:
        return multiprocessing.get_context("spawn")

    def _check_crash_here(
        self, error: type, function: Any, *args: Any, ignore_stderr: bool = False
    ) -> None:
        self.executor.shutdown(wait=True)
        if error is jobmill.WorkerDied:
            error = IN_PLACE_OF_BROKEN[self._testMethodName]
        executor = self.executor_type(max_workers=2, mp_context=self.get_context())
        quiet = support.captured_stderr() if ignore_stderr else contextlib.nullcontext()
        with self.assertRaises(error), quiet:
            # What cannot be pickled is told by submit() already.
            executor.submit(function, *args).result(timeout=self.TIMEOUT)
        # The others do not notice.
        self.assertEqual(executor.submit(pow, 2, 5).result(timeout=self.TIMEOUT), 32)
        executor.shutdown(wait=True)


def _create_future(state: str = "PENDING", exception: Any = None, result: Any = None) -> Any:
    future = jobmill.Future()
    future._state = state
    future._exception = exception
    future._result = result
    return future


def _prepare() -> None:
    """Has the names of CPython's modules mean jobmill's things."""
    shutdown = _module_of("ExecutorShutdownTest")
    shutdown.assert_python_ok = _assert_python_ok_here
    _module_of("ExecutorDeadlockTest").BrokenProcessPool = jobmill.WorkerDied
    futures.process._RemoteTraceback = jobmill.RemoteTraceback
    future = _module_of("FutureTests")
    future.Future = jobmill.Future
    future.create_future = _create_future
    for name in dir(future):
        value = getattr(future, name)
        if name.endswith("_FUTURE") and isinstance(value, futures.Future):
            setattr(future, name, _create_future(value._state, value._exception, value._result))


_SUITES = {
    "Executor": "ProcessPoolExecutorTest",
    "Wait": "WaitTests",
    "AsCompleted": "AsCompletedTests",
    "Shutdown": "ProcessPoolShutdownTest",
    "Initializer": "InitializerMixin",
    "FailingInitializer": "FailingInitializerMixin",
    "Deadlock": "ExecutorDeadlockTest",
    "Future": "FutureTests",
}

_counts = {"run": 0}
_left_out: List[str] = []


def _make(name: str) -> type:
    suite = _find(_SUITES[name])
    bases = (
        (suite,)
        if issubclass(suite, unittest.TestCase)
        else (suite, _Jobmill, _find("BaseTestCase"))
    )
    members: Dict[str, Any] = {"__module__": __name__}
    if hasattr(suite, "_check_crash"):
        members["_check_crash"] = _Jobmill._check_crash_here
    for test in unittest.TestLoader().getTestCaseNames(type(name, bases, {})):
        reason = LEFT_OUT.get(f"{name}.{test}")
        if reason is not None:
            members[test] = unittest.skip(reason)(getattr(suite, test))
            _left_out.append(f"{name}.{test}: {reason}")
        else:
            _counts["run"] += 1
    return type(name + "Test", bases, members)


_prepare()
for _name in _SUITES:
    globals()[_name + "Test"] = _make(_name)


def setUpModule() -> None:
    surroundings.need_daemon()


def tearDownModule() -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    print(
        f"\n{_counts['run']} of CPython {version}'s own tests, with jobmill.Executor; left out:",
        file=sys.stderr,
    )
    for line in _left_out:
        print("  " + line, file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
