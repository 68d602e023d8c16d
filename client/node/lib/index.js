// SPDX-License-Identifier: MIT
// The client of jobmilld; index.d.ts describes all of it.
import {Pool} from './pool.js';

export {StoredBlob, Result} from './result.js';
export {Pool};
export {
    Busy, Cancelled, DaemonGone, Expired, JobError, JobmillError, JobTimeout, PoolClosed, ProtocolError,
    Refused, WorkerDied,
} from './errors.js';

/** A pool whose daemon has answered. */
export async function connect(options) {
    const pool = new Pool(options);
    await pool.open();
    return pool;
}
