// SPDX-License-Identifier: MIT
// tinypool with child processes.
import {importPackage} from './packages.mjs';
import {measure} from './workloads.mjs';

const {Tinypool} = await importPackage('tinypool');
let pool;
await measure({
    name: 'tinypool',
    start(workers) {
        pool = new Tinypool({
            filename: new URL('./jobs.mjs', import.meta.url).href,
            minThreads: workers,
            maxThreads: workers,
            maxQueue: Infinity,
            runtime: 'child_process',
            serialization: 'advanced',
            env: process.env,  // it gives its processes none by itself
        });
    },
    stop: () => pool.destroy(),
    call: (job) => pool.run(job),
});
