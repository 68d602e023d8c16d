// SPDX-License-Identifier: MIT
// A peer that is broken or means harm: an error with a name each time, and nobody waits for ever.
import assert from 'node:assert/strict';
import net from 'node:net';
import {afterEach, describe, it} from 'node:test';

import {connect, DaemonGone, Pool, ProtocolError, Refused} from '../../client/node/lib/index.js';
import {FakeDaemon, welcome} from './support/fake_daemon.mjs';

describe('a peer', () => {
    let fake;
    afterEach(() => fake.remove());

    const answering = async (answer, options) => {
        fake = await FakeDaemon.start(answer, options);
        return new Pool({socket: fake.socket, connectTimeout: 10_000});
    };

    const result = (id, more) => ({op: 'result', id, job: '1', state: 'succeeded', payload: '', ...more});

    // What each says about the job instead of what it should.
    const nonsense = {
        'no JSON': () => ['}\n'],
        'no object': () => ['[]\n'],
        'null': () => ['null\n'],
        'no op': () => [{id: '1'}],
        'no UTF-8': () => [Buffer.from('{"op":"pong","x":"\xff"}\n', 'latin1')],
        'a line without end': () => [Buffer.alloc(300_000, 0x20)],
        'a line that is too long': () => [Buffer.concat([Buffer.alloc(270_000, 0x20), Buffer.from('\n')])],
        'an unknown op': ({id}) => [{op: 'surprise', id}],
        'a result of nothing': () => [result('77')],
        'another\'s answer': ({id}) => [{op: 'stored', id}],
        'a state that is none': ({id}) => [result(id, {state: 'fine'})],
        'a state that is no end': ({id}) => [result(id, {state: 'running'})],
        'a state of every object': ({id}) => [result(id, {state: 'toString'})],
        'a payload that is no text': ({id}) => [result(id, {payload: 5})],
        'a base64 that is none': ({id}) => [result(id, {payload: undefined, payload_b64: '!!!!'})],
        'a base64 that is cut': ({id}) => [result(id, {payload: undefined, payload_b64: 'AAA'})],
        'pieces without a size': ({id}) => [result(id, {more: true})],
        'a size beyond all bounds': ({id}) => [result(id, {more: true, size: 1e15})],
        'a size below 0': ({id}) => [result(id, {more: true, size: -1})],
        'more than its size': ({id}) => [result(id, {more: true, size: 2}), {op: 'piece', id, payload: 'abc'}],
        'less than its size': ({id}) => [result(id, {more: true, size: 9}), {op: 'piece', id, payload: 'abc'}],
        'a piece of nothing': ({id}) => [{op: 'piece', id, payload: 'abc'}],
        'a result within a result': ({id}) => [result(id, {more: true, size: 9}), result(id)],
        'a chunk of no stream': ({id}) => [{op: 'chunk', id, job: '1', stream: 'stdin', payload: ''}],
        'accepted without ids': () => [{op: 'accepted', job: '1'}],
        'accepted about nothing': () => [{op: 'accepted', ids: ['77'], job: '1'}],
        'accepted without a number': ({id}) => [{op: 'accepted', ids: [id], job: 'x'}],
        'a credit that is none': () => [{op: 'credit', jobs: -1, bytes: 5}],
        'a second welcome': () => [welcome],
        'an error about the session': () => [{op: 'error', code: 'bad_frame', text: 'no'}],
    };

    for (const [what, messages] of Object.entries(nonsense)) {
        it(`that says ${what} ends the session, and its jobs with an error`, async () => {
            const pool = await answering((message, say) => say(...messages(message)));
            const jobs = [pool.run('echo'), pool.run('echo')];
            for (const {reason} of await Promise.allSettled(jobs)) {
                assert.ok(reason instanceof ProtocolError, `${reason}`);
            }
            await pool.close();
        });
    }

    const greetings = {
        'another version': {...welcome, version: 2},
        'no credit': {...welcome, credit_jobs: 0},
        'half a credit': {...welcome, credit_bytes: 0.5},
        'no limit': {...welcome, max_payload: 'much'},
        'an error': {op: 'error', code: 'bad_version', text: 'versions 7 to 9'},
        'a pong': {op: 'pong'},
    };

    for (const [what, greeting] of Object.entries(greetings)) {
        it(`that greets with ${what} is left`, async () => {
            const pool = await answering((_, say) => say(greeting), {greets: false});
            await assert.rejects(pool.run('echo'), ProtocolError);
            await pool.close();
        });
    }

    it('that greets and talks nonsense in one breath is left', async () => {
        const pool = await answering((_, say) => say(`${JSON.stringify(welcome)}\n}\n`), {greets: false});
        await assert.rejects(pool.run('echo'), ProtocolError);
        await pool.close();
    });

    it('that greets and stops in one breath is asked again', async () => {
        let greetings = 0;
        const pool = await answering((message, say) => {
            if (message.op !== 'hello') return say(result(message.id));
            greetings += 1;
            return say(JSON.stringify(welcome) + '\n' + (greetings === 1 ? '{"op":"closing","grace_ms":0}\n' : ''));
        }, {greets: false});
        await pool.run('echo');
        assert.equal(greetings, 2);
        await pool.close();
    });

    it('that reads nothing is sent what the socket takes, and keeps nobody', async () => {
        let pieces = 0;
        const {write} = net.Socket.prototype;
        net.Socket.prototype.write = function count(line, ...words) {
            if (String(line).startsWith('{"op":"piece"')) pieces += 1;
            return write.call(this, line, ...words);
        };
        const pool = await answering(() => {
            for (const socket of fake.sockets) {
                socket.pause();
                socket.write('}\n');
            }
        });
        try {
            await assert.rejects(pool.run('echo', Buffer.alloc(64 << 20)), ProtocolError);
        } finally {
            net.Socket.prototype.write = write;
        }
        assert.ok(pieces > 0 && pieces < 100, `${pieces} of 1024 pieces`);
        await pool.close();
    });

    it('that says nothing is waited for no longer than was said', async () => {
        fake = await FakeDaemon.start(() => {}, {greets: false});
        await assert.rejects(connect({socket: fake.socket, connectTimeout: 1}),
                             (error) => error instanceof DaemonGone && error.code === 'ETIMEDOUT');
    });

    it('whose words are cut anywhere is understood', async () => {
        const pool = await answering((message, say) => {
            const bytes = Buffer.from(JSON.stringify(result(message.id, {payload: 'grüße €𝄞'})) + '\r\n\n');
            for (const byte of bytes) say(Buffer.from([byte]));
        });
        assert.equal((await pool.run('echo')).text(), 'grüße €𝄞');
        await pool.close();
    });

    it('that is never given more than its credit gets all of it in the end', async () => {
        let most = 0;
        const open = [];
        fake = await FakeDaemon.start((message, say) => {
            if (message.op === 'hello') {
                say({...welcome, credit_jobs: 1}, {op: 'credit', jobs: 3, bytes: 100});
                return;
            }
            open.push(message.id);
            most = Math.max(most, open.length);
            // Later: who sends more does so now.
            if (open.length === 3) setImmediate(() => open.splice(0).forEach((id) => say(result(id))));
        }, {greets: false});
        const pool = await connect({socket: fake.socket});
        await Promise.all(Array.from({length: 30}, () => pool.run('echo', 'x'.repeat(20))));
        assert.equal(most, 3);
        await pool.close();
    });

    it('that refuses as it stops gets the job no more, and the next one does', async () => {
        let daemons = 0;
        const pool = await answering((message, say) => {
            if (daemons === 1) return say(result(message.id, {payload: 'done'}));
            daemons += 1;
            return say({op: 'error', id: message.id, code: 'closing', text: 'stops'});
        });
        assert.equal((await pool.run('echo')).text(), 'done');
        assert.equal(fake.heard.filter(({op}) => op === 'submit').length, 2);
        await pool.close();
    });

    it('that stops without a word about a job has not taken it, and one that just leaves may have', async () => {
        let daemons = 0;
        const pool = await answering((message, say) => {
            daemons += 1;
            if (daemons === 2) return say(result(message.id, {payload: 'done'}));
            if (daemons === 1) say({op: 'closing', grace_ms: 0});
            return say.end();
        });
        assert.equal((await pool.run('echo')).text(), 'done');
        await assert.rejects(pool.run('echo'), DaemonGone);
        assert.equal(daemons, 3);
        await pool.close();
    });

    it('that always stops is given up', async () => {
        const pool = await answering((message, say) => say({op: 'closing', grace_ms: 0}, {
            op: 'error', id: message.id, code: 'closing', text: 'stops'}));
        await assert.rejects(pool.run('echo'), Refused);
        await pool.close();
    });

    it('that refuses a payload on its way is sent no more of it than it needs', async () => {
        const pool = await answering((message, say) => {
            if (message.op === 'submit' && message.size) {
                say({op: 'error', id: message.id, code: 'busy', text: 'full', retry_after_ms: 5});
            }
            if (message.op === 'piece' && message.more !== true) say(result('2'));
        });
        const big = pool.run('echo', Buffer.alloc(50 * 1024 * 1024));
        const small = pool.run('echo');
        await assert.rejects(big, {name: 'Busy', retryAfterMs: 5});
        await small;
        assert.equal(fake.heard.at(-1).payload, '', 'the last piece is empty');
        assert.ok(fake.heard.length < 500);
        await pool.close();
    });
});
