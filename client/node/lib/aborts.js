// SPDX-License-Identifier: MIT
// Who is to be told when a signal aborts. One listener a signal, however many jobs have it: Node warns
// of signals with many listeners, and looks at all of them to remove one.
const watched = new WeakMap();

/** @param {{abort(reason: any): void}} job */
export function watch(signal, job) {
    let entry = watched.get(signal);
    if (entry === undefined) {
        const jobs = new Set();
        const listener = () => {
            watched.delete(signal);
            for (const each of jobs) each.abort(signal.reason);
        };
        entry = {jobs, listener};
        watched.set(signal, entry);
        signal.addEventListener('abort', listener, {once: true});
    }
    entry.jobs.add(job);
}

export function unwatch(signal, job) {
    const entry = watched.get(signal);
    if (entry === undefined) return;
    entry.jobs.delete(job);
    if (entry.jobs.size === 0) {
        watched.delete(signal);
        signal.removeEventListener('abort', entry.listener);
    }
}
