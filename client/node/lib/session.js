// SPDX-License-Identifier: MIT
// A conversation with a daemon over one socket, from its welcome to its end.
import {setTimeout as pause} from 'node:timers/promises';

import {Credit} from './credit.js';
import {Busy, DaemonGone, DaemonStopped, JobmillError, ProtocolError, Refused, refusal} from './errors.js';
import {Job} from './job.js';
import {LineReader} from './lines.js';
import {Outbox} from './outbox.js';
import {Assembly, decode, spell} from './payload.js';
import {Question} from './question.js';
import {StoredBlob} from './result.js';

/** Daemons that may leave with a job untaken before it is given up. */
const mostRefusals = 5;

function gone(what, field) {
    return new Refused(`${what} was dropped, or its daemon has left: put it again`, {code: 'not_found', field});
}

/**
 * Owns its socket, and every job and question that was said and has no end yet: its entries, by id.
 * The owner is told when there may be room for more (onRoom) and when it is over (onEnd).
 */
export class Session {
    #socket;
    #owner;
    #outbox;
    #reader = new LineReader();
    #entries = new Map();
    #assemblies = new Map();
    #untaken = [];
    /** What is to be stored once there is room for it on the way there. */
    #puts = [];
    #nextId = 1;
    #credit;
    #maxPayload = 0;
    #closing = false;
    #over;
    #fault;
    #greeting = new Question('welcome');

    constructor(socket, owner) {
        this.#socket = socket;
        this.#owner = owner;
        this.#outbox = new Outbox(socket, () => owner.onRoom());
        socket.on('data', (bytes) => this.#take(bytes));
        socket.on('error', (error) => {
            this.#fault = error;
        });
        socket.on('close', () => this.#end(this.#leaving()));
    }

    /**
     * Resolves once the daemon has said what it grants. A full one says so and leaves; Node reads nothing
     * after a write that failed, so `silentMs` lets it have the first word.
     */
    async greet(client, patienceMs, silentMs = 0) {
        const late = setTimeout(() => this.#end(new DaemonGone(
            `the daemon has said nothing for ${patienceMs} ms`, {code: 'ETIMEDOUT'})), patienceMs);
        this.#entries.set('', this.#greeting);
        const answered = this.#greeting.promise;
        answered.catch(() => {});  // it may come before anybody waits for it
        if (silentMs > 0) await pause(silentMs);
        if (!this.#over) this.#outbox.say(JSON.stringify({op: 'hello', min_version: 1, max_version: 1, client}));
        try {
            await answered;
            // It may have left, or been left, in the same breath.
            if (this.#over) throw this.#over;
        } finally {
            clearTimeout(late);
        }
    }

    get isIdle() {
        return this.#entries.size === 0 && this.#untaken.length === 0 && this.#puts.length === 0;
    }

    /** Takes of the queue what the daemon and the socket take. */
    pump(queue) {
        while (!this.#over && this.#outbox.writable) {
            const goes = !this.#closing && (this.#storeNext() || this.#submitNext(queue));
            if (!this.#outbox.step() && !goes) break;
        }
    }

    #storeNext() {
        const put = this.#puts[0];
        if (put === undefined || !this.#hasRoom(put.large)) return false;
        this.#puts.shift();
        const id = this.#begin(put.question);
        put.question.id = id;
        this.#outbox.say(`{"op":"put","id":"${id}"${put.members}}`);
        if (put.large !== undefined) this.#outbox.upload(id, put.large);
        return true;
    }

    #submitNext(queue) {
        const job = queue.first;
        if (job === undefined || (job.takesCredit && !this.#credit.allows(job.bytes))) return false;
        if (!this.#hasRoom(job.large)) return false;
        this.#submit(queue.shift());
        return true;
    }

    #hasRoom(large) {
        return large === undefined || this.#outbox.allows(large.length, this.#credit);
    }

    #submit(job) {
        const fault = this.#faultOf(job);
        if (fault !== undefined) {
            job.reject(fault);
            return;
        }
        const id = this.#begin(job);
        const blob = job.blob === undefined ? '' : `,"blob":"${job.blob.id}"`;
        const inputs = job.inputs.length === 0 ? '' : `,"inputs":${JSON.stringify(job.inputs.map((each) => each.id))}`;
        this.#outbox.say(`{"op":"${job.op}","id":"${id}",${job.line}${blob}${inputs}}`);
        if (job.large !== undefined) this.#outbox.upload(id, job.large);
        if (job.takesCredit) this.#credit.take(job.bytes);
        job.sent(() => this.#cancel(id));
    }

    #faultOf(job) {
        if (job.bytes > this.#maxPayload) return this.#tooLarge(job.bytes);
        if (job.blob !== undefined && !job.blob.isOf(this)) return gone('the payload', 'blob');
        return job.inputs.every((input) => input.isOf(this)) ? undefined : gone('an input', 'inputs');
    }

    #tooLarge(bytes) {
        return new Refused(`a payload of ${bytes} bytes; the limit (max_payload) is ${this.#maxPayload}`,
                           {code: 'too_large', field: 'payload', limit: this.#maxPayload});
    }

    #begin(entry) {
        const id = String(this.#nextId++);
        this.#entries.set(id, entry);
        this.#socket.ref();
        return id;
    }

    #finish(id) {
        const entry = this.#entries.get(id);
        this.#entries.delete(id);
        this.#outbox.giveUp(id);
        if (entry instanceof Job && entry.takesCredit) this.#credit.give(entry.bytes);
        // Who waits for nothing is not kept alive.
        if (this.#entries.size === 0) this.#socket.unref();
    }

    #cancel(id) {
        if (this.#over || !this.#entries.has(id)) return;
        this.#outbox.giveUp(id);
        this.#outbox.say(`{"op":"cancel","id":"${id}"}`);
    }

    /** Members are those of the protocol; the answer is the message. */
    ask(op, answer, members = {}) {
        const question = new Question(answer);
        if (this.#over) {
            question.reject(this.#leaving());
        } else {
            const id = this.#begin(question);
            this.#outbox.say(JSON.stringify({op, id, ...members}));
        }
        return question.promise;
    }

    async put(payload) {
        const {size, members, large} = spell(payload);
        if (size > this.#maxPayload) throw this.#tooLarge(size);
        if (this.#over) throw this.#leaving();
        const question = new Question('stored');
        this.#puts.push({question, members, large});
        this.#owner.onRoom();
        await question.promise;
        return new StoredBlob(this, question.id, size);
    }

    drop(id) {
        if (!this.#over) this.#outbox.say(`{"op":"drop","id":"${id}"}`);
    }

    /** Nothing is unfinished: both sides let go. */
    close() {
        // What was said last goes out, but nobody waits for a peer that does not read.
        this.#socket.unref();
        this.#socket.destroySoon();
        this.#end(new DaemonGone('the session was closed', {code: 'closed'}));
    }

    #leaving() {
        if (this.#closing) return new DaemonStopped('the daemon was stopped', {code: 'closing'});
        const why = this.#fault?.message ?? 'end of its output';
        return new DaemonGone(`the daemon has left (${why})`,
                              {code: this.#fault?.code ?? 'closed', cause: this.#fault});
    }

    #end(error) {
        if (this.#over) return;
        this.#over = error;
        if (!this.#socket.writableEnded) this.#socket.destroy();
        const untaken = this.#untaken;
        for (const entry of this.#entries.values()) {
            // A daemon that said that it stops has told of every job that it took.
            const goesOn = this.#closing && entry instanceof Job && entry.op === 'submit' &&
                entry.number === undefined && ++entry.refusals < mostRefusals;
            if (goesOn) untaken.push(entry);
            else entry.reject(error);
        }
        for (const {question} of this.#puts) question.reject(error);
        this.#puts = [];
        this.#entries.clear();
        this.#assemblies.clear();
        this.#untaken = [];
        this.#owner.onEnd(this, error, untaken.filter((job) => !job.settled));
    }

    #take(bytes) {
        try {
            this.#reader.feed(bytes, (message) => {
                if (!this.#over) this.#hear(message);
            });
        } catch (error) {
            this.#end(error instanceof JobmillError ? error : new ProtocolError(error.message, {cause: error}));
            return;
        }
        if (this.#closing && this.#entries.size === 0) this.#end(this.#leaving());
        if (!this.#over) this.#owner.onRoom();
    }

    #hear(message) {
        if (message.op === 'error') return this.#hearError(message);
        if (message.op === 'accepted') return this.#hearAccepted(message);
        if (message.op === 'credit') return this.#credit?.set(message.jobs, message.bytes);
        if (message.op === 'closing') {
            this.#closing = true;
            return undefined;
        }
        const id = message.op === 'welcome' ? '' : message.id;
        const entry = this.#entries.get(id);
        if (entry instanceof Job) return this.#hearOfJob(id, entry, message);
        if (entry?.answer !== message.op) throw new ProtocolError(`"${message.op}" about nothing`);
        // What is wrong with a message is told to its entry, too: it is one until it has been judged.
        if (entry === this.#greeting) this.#hearWelcome(message);
        this.#finish(id);
        entry.resolve(message);
        return undefined;
    }

    #hearWelcome({version, credit_jobs: jobs, credit_bytes: bytes, max_payload: maxPayload}) {
        if (version !== 1) throw new ProtocolError(`a welcome in version ${version}`);
        if (!Number.isSafeInteger(maxPayload) || maxPayload < 0) {
            throw new ProtocolError(`a welcome with max_payload ${maxPayload}`);
        }
        this.#credit = new Credit(jobs, bytes);
        this.#maxPayload = maxPayload;
    }

    #hearAccepted({ids, job}) {
        if (!Array.isArray(ids) || !/^[0-9]{1,20}$/.test(job)) throw new ProtocolError('a wrong "accepted"');
        const first = BigInt(job);
        ids.forEach((id, i) => {
            const entry = this.#entries.get(id);
            const number = (first + BigInt(i)).toString();
            if (entry instanceof Job) {
                entry.accepted(number);
                if (entry.detached) this.#finish(id);
            } else if (entry?.answer === 'accepted') {
                this.#finish(id);
                entry.resolve(number);
            } else {
                throw new ProtocolError(`"accepted" about "${id}", which is nothing`);
            }
        });
    }

    #hearOfJob(id, job, message) {
        switch (message.op) {
            case 'started':
            case 'retrying':
            case 'progress':
                return job[message.op](message);
            case 'chunk':
            case 'result':
                if (this.#assemblies.has(id)) throw new ProtocolError('a message within another');
                if (message.more !== true) return this.#deliver(id, job, message, decode(message));
                this.#assemblies.set(id, new Assembly(message, this.#maxPayload));
                return undefined;
            case 'piece':
                return this.#hearPiece(id, job, message);
            default:
                throw new ProtocolError(`"${message.op}" about a job`);
        }
    }

    #hearPiece(id, job, message) {
        const assembly = this.#assemblies.get(id);
        if (assembly === undefined) throw new ProtocolError('a piece of nothing');
        if (!assembly.add(message)) return;
        this.#assemblies.delete(id);
        this.#deliver(id, job, assembly.message, assembly.take());
    }

    #deliver(id, job, message, buffer) {
        if (message.op === 'chunk') {
            job.chunk(message, buffer);
            return;
        }
        job.number ??= message.job;
        job.result(message, buffer);
        this.#finish(id);
    }

    #hearError(message) {
        const error = refusal(message);
        if (message.id === undefined) {
            // About the session: a full daemon, or what it could not read.
            throw error instanceof Busy ? error : new ProtocolError(
                `the daemon says: ${error.message}`, {code: error.code, cause: error});
        }
        const entry = this.#entries.get(message.id);
        // A cancel or a drop may come too late.
        if (entry === undefined) return;
        this.#finish(message.id);
        if (error.code !== 'closing') {
            entry.reject(error);
            return;
        }
        this.#closing = true;
        if (entry instanceof Job && ++entry.refusals < mostRefusals) this.#untaken.push(entry);
        else entry.reject(error);
    }
}
