// SPDX-License-Identifier: MIT
// What the jobs of the workloads do, for every peer in Node: the worker's side.
import fs from 'node:fs';
import {isMainThread} from 'node:worker_threads';

import {load} from './packages.mjs';

// A thread cannot ask Node how much CPU time it has used: count rounds instead, by the shortest
// time that so many took, which was not disturbed.
const TRIAL = 20_000;
let roundsAMicrosecond;

function turn(rounds)
{
    let value = 1;
    for (let i = 0; i < rounds; i++)
        value = (Math.imul(value, 1664525) + 1013904223) | 0;
    return value;
}

function calibrate()
{
    let least = Infinity;
    for (let i = 0; i < 100; i++) {
        const start = performance.now();
        turn(TRIAL);
        least = Math.min(least, performance.now() - start);
    }
    return TRIAL / (least * 1000);
}

const jobs = {
    noop() {},
    spin(microseconds) {
        roundsAMicrosecond ??= calibrate();
        turn(microseconds * roundsAMicrosecond);
    },
    echo(payload) { return payload; },
    // The sum of the first bytes of all pages.
    peek(payload) {
        let sum = 0;
        for (let i = 0; i < payload.length; i += 4096)
            sum += payload[i];
        return sum;
    },
    // Whole lines, each in the range in which it begins.
    words([offset, length]) {
        const file = fs.openSync(process.env.JOBMILL_BENCH_TEXT, 'r');
        const from = Math.max(offset - 1, 0);
        const bytes = Buffer.alloc(length + 4096);
        const size = fs.readSync(file, bytes, 0, bytes.length, from);
        fs.closeSync(file);
        const begin = offset > 0 ? bytes.indexOf(10) + 1 : 0;
        const end = bytes.indexOf(10, length + (offset - from) - 1);
        const counts = new Map();
        for (const word of bytes.latin1Slice(begin, end < 0 || end > size ? size : end)
                 .split(/\s+/))
            if (word)
                counts.set(word, (counts.get(word) ?? 0) + 1);
        return counts;
    },
};

const perform = ({kind, argument}) => jobs[kind](argument);
export default perform;
if (isMainThread && process.env.JOBMILL_BENCH_WORKERPOOL)
    load('workerpool').worker({perform});
