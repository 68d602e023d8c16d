// SPDX-License-Identifier: MIT
// Many jobs: in the order in which they end, in their own, and no more at once than was asked for.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {after, before, describe, it} from 'node:test';

import {connect, DaemonGone, JobError, Pool, WorkerDied} from '../../client/node/lib/index.js';
import {eventually, PrivateDaemon} from './support/private_daemon.mjs';

describe('many jobs', () => {
    let daemon;
    let pool;
    before(async () => {
        daemon = await PrivateDaemon.start();
        pool = await connect({socket: daemon.socket});
    });
    after(async () => {
        await pool.close({cancel: true});
        await daemon.remove();
    });

    const idle = () => eventually(async () => {
        const [{busy, queued}] = (await pool.status()).pools;
        return busy === 0 && queued === 0;
    });

    it('close their source where the pool cannot be asked for its workers', async () => {
        const lost = new Pool({socket: daemon.path('nowhere')});
        let closed = 0;
        const source = {
            next: () => assert.fail('it was read'),
            return: async () => {
                closed += 1;
                throw new Error('of the source');
            },
            [Symbol.asyncIterator]() {
                return this;
            },
        };
        await assert.rejects(lost.imapUnordered('echo', source).next(), DaemonGone);
        assert.equal(closed, 1);
    });

    it('come back as they end', async () => {
        const gate = daemon.path('gate');
        execFileSync('mkfifo', [gate]);
        const order = [];
        const each = (item) => ({payload: '', args: {argv: ['sh', '-c', item]}});
        for await (const {index, ok} of pool.imapUnordered('exec', [`read line <${gate}`, 'true', 'false'],
                                                           {buffer: 3, each})) {
            order.push([index, ok]);
            // The first may end when both of the others have.
            if (order.length === 2) await writeFile(gate, 'go\n');
        }
        assert.deepEqual(order.at(-1), [0, true]);
        assert.deepEqual(order.slice(0, 2).sort(), [[1, true], [2, false]]);
    });

    it('may fail without the others', async () => {
        const ends = [];
        for await (const end of pool.imapUnordered('sum', ['1', 'x', '3'])) ends.push(end);
        ends.sort((a, b) => a.index - b.index);
        assert.deepEqual(ends.map(({ok, value}) => ok && value.text()), ['1', false, '6']);
        assert.ok(ends[1].error instanceof JobError);
        const crashes = [];
        for await (const {error} of pool.imapUnordered('segv', ['', ''])) crashes.push(error);
        assert.ok(crashes.every((error) => error instanceof WorkerDied));
    });

    it('may be 5,000, beyond the credit of a session, by run and by a stream', async () => {
        let drained = 0;
        pool.on('drain', () => { drained += 1; });
        const runs = Promise.all(Array.from({length: 5000}, (_, i) => pool.run('echo', i)));
        await pool.ping();
        assert.ok(pool.needsDrain);
        assert.deepEqual((await runs).map((result) => result.json()), Array.from({length: 5000}, (_, i) => i));
        assert.equal(drained, 1);
        assert.ok(!pool.needsDrain);
        const seen = new Set();
        for await (const {value} of pool.imapUnordered('echo', Array.from({length: 5000}, (_, i) => i),
                                                       {buffer: 100})) {
            seen.add(value.json());
        }
        assert.equal(seen.size, 5000);
    });

    it('are pulled from their source when there is room, twice the workers ahead', async () => {
        let pulled = 0;
        let closed = false;
        async function* source() {
            try {
                for (;;) yield ++pulled;
            } finally {
                closed = true;
            }
        }
        let taken = 0;
        for await (const {ok} of pool.imapUnordered('echo', source())) {
            assert.ok(ok);
            taken += 1;
            assert.ok(pulled <= taken + 4, `${pulled} pulled, ${taken} taken`);
            if (taken === 50) break;
        }
        assert.ok(closed, 'leaving the loop closes the source');
    });

    it('that are left are cancelled', async () => {
        for await (const {index} of pool.imapUnordered('exec', ['true', 'sleep 1000', 'sleep 1000', 'sleep 1000'], {
            buffer: 4, each: (item) => ({payload: '', args: {argv: ['sh', '-c', `exec ${item}`]}}),
        })) {
            assert.equal(index, 0);
            break;
        }
        await idle();
    });

    it('are left when the source is stuck, too', async () => {
        async function* stuck() {
            yield 'first';
            await new Promise(() => {});
        }
        for await (const {value} of pool.imapUnordered('echo', stuck(), {buffer: 2})) {
            assert.equal(value.text(), 'first');
            break;
        }
        const stop = new AbortController();
        await assert.rejects(async () => {
            for await (const end of pool.imapUnordered('echo', stuck(), {signal: stop.signal})) {
                assert.ok(end.ok);
                stop.abort();
            }
        }, {name: 'AbortError'});
    });

    it('end with what their source throws, after those that it gave', async () => {
        function* source() {
            yield 1;
            yield 2;
            throw new Error('no more');
        }
        const ends = [];
        await assert.rejects(async () => {
            for await (const {value} of pool.imapUnordered('echo', source())) ends.push(value.json());
        }, {message: 'no more'});
        assert.deepEqual(ends.sort(), [1, 2]);
    });

    it('refuse what is no stream', async () => {
        await assert.rejects(pool.imapUnordered('echo', 5).next(), TypeError);
        await assert.rejects(pool.imapUnordered('echo', [], {buffer: 0}).next(), RangeError);
        const {value} = await pool.imapUnordered('echo', [1], {each: () => ({signal: AbortSignal.abort()})}).next();
        assert.match(value.error.message, /signal is of all items/);
        assert.deepEqual(await pool.imapUnordered('echo', []).next(), {value: undefined, done: true});
    });

    it('have their own order in map, which the first failure ends', async () => {
        const results = await pool.map('echo', ['a', 'b', 'c', 'd']);
        assert.equal(results.map((result) => result.text()).join(''), 'abcd');
        await assert.rejects(pool.map('sleep', ['1000s', 'x', '1000s', '1000s']), JobError);
        await idle();
    });
});
