// SPDX-License-Identifier: MIT
// Piscina: threads of this process, not processes.
import {load} from './packages.mjs';
import {measure} from './workloads.mjs';

const {Piscina} = load('piscina');
let pool;
await measure({
    name: 'Piscina (threads)',
    start(workers) {
        const filename = new URL('./jobs.mjs', import.meta.url).href;
        pool =
            new Piscina({filename, minThreads: workers, maxThreads: workers, maxQueue: Infinity});
    },
    stop: () => pool.destroy(),
    call: (job) => pool.run(job),
    shared(bytes) {
        const argument = new Uint8Array(new SharedArrayBuffer(bytes.length));
        argument.set(bytes);
        return argument;
    },
});
