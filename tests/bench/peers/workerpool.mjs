// SPDX-License-Identifier: MIT
// workerpool with child processes.
import {fileURLToPath} from 'node:url';

import {load} from './packages.mjs';
import {measure} from './workloads.mjs';

const {pool: createPool} = load('workerpool');
let pool;
await measure({
    name: 'workerpool',
    start(workers) {
        const env = {...process.env, JOBMILL_BENCH_WORKERPOOL: '1'};
        pool = createPool(fileURLToPath(new URL('./jobs.mjs', import.meta.url)), {
            minWorkers: workers,
            maxWorkers: workers,
            workerType: 'process',
            maxQueueSize: Infinity,
            forkOpts: {serialization: 'advanced', env},
        });
    },
    stop: () => pool.terminate(),
    call: (job) => pool.exec('perform', [job]),
});
