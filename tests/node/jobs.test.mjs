// SPDX-License-Identifier: MIT
// What comes back for a job: its result, its error, what it tells before its end.
import assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {after, before, describe, it} from 'node:test';

import * as jobmill from '../../client/node/lib/index.js';
import {PrivateDaemon} from './support/private_daemon.mjs';

const library = new URL('../../client/node/lib/index.js', import.meta.url);

const {connect, JobError, JobTimeout, Refused, WorkerDied, Expired, Cancelled} = jobmill;

describe('a job', () => {
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

    it('brings its result and what it took', async () => {
        const result = await pool.run('sum', '100');
        assert.equal(result.text(), '5050');
        assert.equal(result.json(), 5050);
        assert.equal(result.state, 'succeeded');
        assert.equal(result.attempt, 1);
        assert.ok([1, 2].includes(result.worker));
        assert.ok(result.queueMs >= 0 && result.runMs >= 0);
        assert.match(result.job, /^[0-9]+$/);
    });

    it('takes text, bytes and anything else as JSON', async () => {
        const echo = async (payload) => (await pool.run('echo', payload)).buffer;
        assert.equal((await echo('grüße \u0000 "\\')).toString(), 'grüße \u0000 "\\');
        assert.deepEqual([...await echo(new Uint16Array([1, 256]))], [1, 0, 0, 1]);
        assert.deepEqual([...await echo(new DataView(new Uint8Array([1, 2, 3]).buffer, 1))], [2, 3]);
        assert.deepEqual([...await echo(new Uint8Array([9, 8]).buffer)], [9, 8]);
        assert.deepEqual((await pool.run('echo', {a: [1, null]})).json(), {a: [1, null]});
        assert.equal((await echo(12n)).toString(), '12');
        assert.equal((await echo()).length, 0);
        assert.equal((await echo(Buffer.from([0xff, 0xfe]))).toString('hex'), 'fffe');
        await assert.rejects(pool.run('echo', () => {}), /a function is no payload/);
    });

    it('takes and brings 10 MiB that are no text, and what is around the limit of one message', async () => {
        for (const size of [65535, 65536, 65537, 131072, 131073, 10 * 1024 * 1024]) {
            const payload = randomBytes(size);
            const {buffer} = await pool.run('echo', payload);
            assert.ok(buffer.equals(payload), `${size} bytes`);
        }
        // Each of these is six characters of JSON, and each of those two bytes of UTF-8 in many pieces.
        for (const text of ['\u0001'.repeat(65536), 'é'.repeat(2_000_001)]) {
            assert.ok((await pool.run('echo', text)).text() === text);
        }
    });

    it('fails with what its handler said', async () => {
        const error = await pool.run('confess').catch((failure) => failure);
        assert.ok(error instanceof JobError);
        assert.equal(error.name, 'JobError');
        assert.match(error.message, /^job [0-9]+ failed: it gave up$/);
        assert.equal(error.kind, 'error');
        assert.equal(error.code, 'failed');
        assert.equal(error.result.cause.note, 'third');
        assert.equal(error.result.chunks.join(), 'confessed');
        assert.match(error.stack, /jobs\.test\.mjs/, 'the stack is the caller\'s');
    });

    it('that crashes costs nobody else anything', async () => {
        const ends = await Promise.allSettled([
            pool.run('segv'), pool.run('sum', 10), pool.run('exit', 3), pool.run('sum', 20), pool.run('kill'),
        ]);
        assert.deepEqual(ends.map(({value}) => value?.text()), [undefined, '55', undefined, '210', undefined]);
        const [segv, , exit, , kill] = ends.map(({reason}) => reason);
        for (const error of [segv, exit, kill]) assert.ok(error instanceof WorkerDied);
        assert.equal(segv.signal, 'SIGSEGV');
        assert.match(segv.lastWords, /in handler segv/);
        assert.equal(exit.exitCode, 3);
        assert.equal(kill.signal, 'SIGKILL');
        assert.equal(kill.oom, false);
    });

    it('that runs too long ends, and says where it was', async () => {
        const error = await pool.run('block', '', {timeout: 20.5}).catch((failure) => failure);
        assert.ok(error instanceof JobTimeout);
        assert.match(error.message, /it ran longer than 21 ms/);
        assert.match(error.workerStack, /in handler block/);
    });

    it('that cannot begin in time expires', async () => {
        const holds = new AbortController();
        const blocks = [];
        // Both have begun: what a worker holds and has not begun, jobs that come later may overtake.
        await Promise.all([1, 2].map(() => new Promise((resolve) => {
            blocks.push(assert.rejects(pool.run('block', '', {signal: holds.signal, onStarted: resolve})));
        })));
        await assert.rejects(pool.run('echo', '', {queueTimeoutMs: 1}), Expired);
        holds.abort();
        await Promise.all(blocks);
    });

    it('is tried again as often as it asks', async () => {
        const tries = [];
        const error = await pool.run('segv', '', {
            retries: {crash: 1}, backoffMs: 1, onRetrying: (event) => tries.push(event),
        }).catch((failure) => failure);
        assert.equal(error.result.attempt, 2);
        assert.equal(error.result.attempts[0].cause.signal, 'SIGSEGV');
        assert.equal(tries.length, 1);
        assert.equal(tries[0].state, 'crashed');
        assert.equal(tries[0].cause.signal, 'SIGSEGV');
        tries.length = 0;
        await assert.rejects(pool.run('exec', '', {
            args: {argv: ['sh', '-c', 'exit 3']}, retries: {failure: 1}, backoffMs: 1,
            onRetrying: (event) => tries.push(event),
        }), JobError);
        assert.equal(tries[0].cause.exitCode, 3);
        assert.equal(tries[0].cause.exit_code, undefined);
    });

    it('that nobody knows is refused, and so is an option', async () => {
        const error = await pool.run('nobody').catch((failure) => failure);
        assert.ok(error instanceof Refused && !(error instanceof JobError));
        assert.equal(error.code, 'unknown_handler');
        await assert.rejects(pool.run('echo', '', {pool: 'nobody'}), {code: 'unknown_pool'});
        await assert.rejects(pool.run('echo', '', {priority: 1000}),
                             {code: 'bad_value', field: 'priority', limit: 100, message: /^priority: want/});
        await assert.rejects(pool.run('echo', '', {timeoutS: 5}), {message: 'no option "timeoutS"'});
        await assert.rejects(pool.run('echo', '', {timeout: 5, timeoutMs: 5}), /timeoutMs is given twice/);
        assert.equal((await pool.run('sum', 10)).text(), '55', 'the session goes on');
    });

    it('is refused when its payload holds half a surrogate pair', async () => {
        for (const text of ['\ud800', 'a\udc00b', 'x'.repeat(70_000) + '\ud800']) {
            await assert.rejects(pool.run('echo', text), {name: 'TypeError', message: /^the payload holds half/});
            await assert.rejects(pool.put(text), TypeError);
        }
        for (const text of ['\u{1f600}', 'x'.repeat(70_000) + '\u{1f600}']) {
            assert.equal((await pool.run('echo', text)).text(), text);
        }
        assert.equal((await pool.run('echo', {half: '\ud800'})).json().half, '\ud800', 'JSON can spell it');
    });

    it('cannot end the session of the others by what it asks for', async () => {
        const deep = JSON.parse(`${'{"a":'.repeat(15)}1${'}'.repeat(15)}`);
        await pool.run('echo', '', {args: deep});
        const wrong = [
            {args: {deep}}, {args: {a: '\ud800'}}, {args: {'\udc00': 1}}, {args: {a: 2 ** 63}}, {label: '\ud800'},
            {args: {a: 'x'.repeat(300_000)}}, {args: {a: 'é'.repeat(100_000)}}, {args: 5}, {timeout: NaN},
            {args: {a: 'x'.repeat(70_000)}}, {label: 'x'.repeat(200)}, {parent: 'x'},
        ];
        const ends = await Promise.allSettled([...wrong.map((options) => pool.run('echo', '', options)),
                                               pool.run('\ud800'), pool.run('x'.repeat(500_000)), pool.run(5),
                                               pool.cancel({label: '\ud800'}), pool.cancel({handler: 'x'}),
                                               pool.wait('x'), pool.retry('\ud800')]);
        for (const {reason} of ends) {
            assert.ok(reason instanceof TypeError || reason instanceof RangeError || reason instanceof Refused,
                      String(reason));
        }
        assert.equal((await pool.run('echo', 'x')).text(), 'x');
    });

    it('tells of its beginning, its progress and its parts, to itself and to the pool', async () => {
        const own = [];
        const all = [];
        const listeners = ['started', 'progress', 'chunk'].map((name) => {
            const listener = (event) => all.push([name, event.job]);
            pool.on(name, listener);
            return [name, listener];
        });
        const result = await pool.run('confess', '', {
            label: 'mine',
            onStarted: ({label, attempt}) => own.push(['started', label, attempt]),
            onChunk: ({buffer}) => own.push(['chunk', buffer.toString()]),
        }).catch((error) => error.result);
        assert.deepEqual(own, [['started', 'mine', 1], ['chunk', 'confessed']]);
        assert.deepEqual(result.chunks, [], 'they were taken');
        const steps = [];
        const counted = await pool.run('progress', 5, {onProgress: (event) => steps.push(event)});
        for (const {done, total} of steps) assert.ok(done <= total && total === 5);
        for (const [name, listener] of listeners) pool.off(name, listener);
        assert.ok(all.some(([name, job]) => name === 'started' && job === counted.job));
        assert.ok(all.some(([name, job]) => name === 'chunk' && job === result.job));
    });

    it('tells how far it is while it runs', async () => {
        const stop = new AbortController();
        const {done, total, note} = await new Promise((resolve, reject) => {
            pool.run('confess', 'hold', {signal: stop.signal, onProgress: resolve}).catch(reject);
        });
        stop.abort();
        assert.deepEqual({done, total, note}, {done: 3, total: 10, note: 'third'});
    });

    it('of exec has its output in its result, and in its error', async () => {
        const sh = (script) => pool.run('exec', 'in', {args: {argv: ['sh', '-c', script]}});
        const good = await sh('cat; echo " \\0377" >&2');
        assert.equal(good.stdout.toString(), 'in');
        const bad = await sh('echo out; exit 3').catch((error) => error);
        assert.equal(bad.exitCode, 3);
        assert.equal(bad.result.stdout.toString(), 'out\n');
    });

    it('that sends more than anybody takes is given up', async () => {
        await assert.rejects(pool.run('chunks', '', {args: {count: 10, size: 1000}, maxBuffer: 5000}), RangeError);
        const parts = (await pool.run('chunks', '', {args: {count: 2, size: 200_000}})).chunks;
        assert.deepEqual(parts.map((part) => part.length), [200_000, 200_000]);
        let bytes = 0;
        await pool.run('chunks', '', {
            args: {count: 10, size: 1000}, maxBuffer: 5000, onChunk: ({buffer}) => { bytes += buffer.length; },
        });
        assert.equal(bytes, 10_000);
    });

    it('whose callback throws ends with that, and no other does', async () => {
        const other = pool.run('sum', 10);
        await assert.rejects(pool.run('confess', '', {onChunk: () => { throw new Error('no'); }}), {message: 'no'});
        assert.equal((await other).text(), '55');
    });

    it('that is detached is waited for by its number', async () => {
        const number = await pool.submit('sum', 1000);
        assert.equal((await pool.wait(number)).text(), '500500');
        await assert.rejects(pool.wait(number), {code: 'not_found'});
        await assert.rejects(pool.submit('sum', 1, {signal: AbortSignal.abort()}), /has no option "signal"/);
        const held = await pool.submit('block', '', {label: 'held'});
        const waiting = pool.wait(held);
        assert.deepEqual(await pool.cancel({label: 'held'}).then(({queued, running}) => queued + running), 1);
        await assert.rejects(waiting, Cancelled);
    });

    it('is let be by a cancel of what does not run', async () => {
        const begun = new Promise((resolve) => {
            pool.run('block', '', {label: 'spared', onStarted: resolve}).catch(() => {});
        });
        await begun;
        const behind = pool.wait(await pool.submit('sum', 1, {label: 'spared', delayMs: 3_600_000}));
        behind.catch(() => {});
        assert.deepEqual(await pool.cancel({label: 'spared', unlessRunning: true}), {queued: 1, running: 1});
        await assert.rejects(behind, Cancelled);
        await assert.rejects(pool.cancel({label: 'spared', unlessRunning: 1}), TypeError);
        assert.deepEqual(await pool.cancel({label: 'spared'}), {queued: 0, running: 1});
    });

    it('may share its payload with others', async () => {
        const words = await pool.put(Buffer.alloc(200_000, 'ab '));
        const counts = await Promise.all([1, 2, 3].map(() => pool.run('echo', words)));
        assert.deepEqual(counts.map((result) => result.buffer.length), [200_000, 200_000, 200_000]);
        words.drop();
        await assert.rejects(pool.run('echo', words), {code: 'not_found'});
    });

    it('may have one of any number of payloads, which are sent as there is room', async () => {
        const big = Buffer.alloc(3_000_000, 'x');
        const [blobs, results] = await Promise.all([
            Promise.all(Array.from({length: 20}, () => pool.put(big))),
            Promise.all(Array.from({length: 20}, () => pool.run('echo', big))),
        ]);
        assert.ok(results.every((result) => result.buffer.equals(big)));
        const sums = await Promise.all(blobs.map((blob) => pool.run('sha256', blob)));
        assert.equal(new Set(sums.map((sum) => sum.text())).size, 1);
        for (const blob of blobs) blob.drop();
    });

    it('cannot share what is shared already', async () => {
        const words = await pool.put('words');
        await assert.rejects(pool.put(words), TypeError);
        assert.equal((await pool.run('echo', words)).text(), 'words');
    });

    it('reads what was put beside its payload', async () => {
        const [one, two] = await Promise.all([pool.put('one'), pool.put(Buffer.alloc(100_000, 'x'))]);
        const result = await pool.run('inputs', 'own', {inputs: [two, one]});
        assert.equal(result.text(), `own\n${'x'.repeat(100_000)}\none`);
        await assert.rejects(pool.run('inputs', '', {inputs: ['one']}), TypeError);
        await assert.rejects(pool.run('inputs', '', {inputs: Array(9).fill(one)}), RangeError);
        const changing = [one];
        const run = pool.run('inputs', 'own', {inputs: changing});
        changing.length = 0;
        assert.equal((await run).text(), 'own\none');
        one.drop();
        await assert.rejects(pool.run('inputs', '', {inputs: [two, one]}), {code: 'not_found', field: 'inputs'});
    });

    it('finds the daemon answering questions beside it', async () => {
        await pool.ping();
        const [{name, handlers}] = await pool.handlers();
        assert.equal(name, 'default');
        assert.ok(handlers.some((each) => each.name === 'sum'));
        const status = await pool.status();
        assert.equal(status.socket, daemon.socket);
        assert.equal(status.id, undefined);
    });
});

describe('a job that runs jobs', () => {
    let daemon;
    before(async () => {
        daemon = await PrivateDaemon.start({pools: '[pool.default]\nworkers = 1\n'});
    });
    after(() => daemon.remove());

    it('lends them its place in a full pool', async () => {
        const pool = await connect({socket: daemon.socket});
        const inner = `import {Pool} from '${library}'; console.log((await new Pool().run('sum', 100)).text());`;
        const {stdout} = await pool.run('exec', '', {
            args: {argv: [process.execPath, '--input-type=module', '--eval', inner]}});
        assert.equal(stdout.toString(), '5050\n');
        await pool.close();
    });
});
