// SPDX-License-Identifier: MIT
// The options of a job: their names here and on the wire. What their values may be is the daemon's to
// judge, except for what would make a line that it cannot read.
import {camelCase} from './names.js';
import {checkText, isWellFormed} from './payload.js';

/** Nesting that the protocol allows; a line and its `args` are the first two levels. */
const deepestArgs = 15;

const texts = new Map(['pool', 'label', 'cpus', 'batch', 'halt', 'parent'].map((name) => [name, name]));

const numbers = new Map([
    ['priority', 'priority'],
    ['timeoutMs', 'timeout_ms'],
    ['queueTimeoutMs', 'queue_timeout_ms'],
    ['delayMs', 'delay_ms'],
    ['retryCrash', 'retry_crash'],
    ['retryTimeout', 'retry_timeout'],
    ['retryFailure', 'retry_failure'],
    ['backoffMs', 'backoff_ms'],
    ['backoffMaxMs', 'backoff_max_ms'],
    ['memory', 'memory'],
    ['cpuMs', 'cpu_ms'],
    ['fileSize', 'file_size'],
    ['openFiles', 'open_files'],
    ['processes', 'processes'],
    ['nice', 'nice'],
]);

/** What this side heeds itself, and what it says in another way. */
const others = new Set(['args', 'signal', 'maxBuffer', 'onProgress', 'onChunk', 'onStarted', 'onRetrying',
                        'timeout', 'retries', 'inputs']);

const causes = {crash: 'retry_crash', timeout: 'retry_timeout', failure: 'retry_failure'};

function number(name, value) {
    if (value === 'unlimited' || value === Infinity) return 'unlimited';
    if (typeof value !== 'number' || !Number.isSafeInteger(Math.ceil(value))) {
        throw new RangeError(`${name} is ${String(value)}, and should be a whole number or 'unlimited'`);
    }
    // Times that were computed have fractions; never less than was asked for.
    return name.endsWith('Ms') || name === 'timeout' ? Math.ceil(value) : value;
}

function put(members, name, value) {
    if (members[name] !== undefined) throw new TypeError(`${camelCase(name)} is given twice`);
    members[name] = value;
}

function putRetries(members, retries) {
    if (typeof retries !== 'object' || retries === null) {
        for (const name of Object.values(causes)) put(members, name, number('retries', retries));
        return;
    }
    for (const [cause, value] of Object.entries(retries)) {
        if (!Object.hasOwn(causes, cause)) throw new TypeError(`no retries after "${cause}"`);
        if (value !== undefined) put(members, causes[cause], number(`retries.${cause}`, value));
    }
}

function checkNumber(value) {
    // JSON spells it out in digits, as a whole number that 64 bits do not hold.
    if (Number.isInteger(value) && Math.abs(value) >= 2 ** 63 && Math.abs(value) < 1e21) {
        throw new RangeError(`args holds ${value}; the limit is 2^63-1`);
    }
}

/** The arguments of a handler as JSON. */
function spellArgs(args) {
    if (typeof args !== 'object' || args === null || Array.isArray(args)) {
        throw new TypeError('args should be an object');
    }
    const depths = new WeakMap();
    return JSON.stringify(args, function judge(key, value) {
        if (!isWellFormed(key) || (typeof value === 'string' && !isWellFormed(value))) {
            throw new TypeError(`args holds half a surrogate pair at "${key}"`);
        }
        if (typeof value === 'number') checkNumber(value);
        if (typeof value === 'object' && value !== null) {
            const depth = (depths.get(this) ?? 0) + 1;
            if (depth > deepestArgs) throw new RangeError(`args is nested deeper than ${deepestArgs}`);
            depths.set(value, depth);
        }
        return value;
    });
}

/**
 * The members of a submit that these options are, as text that begins with a comma.
 * An option that is undefined is absent; one that means nothing is an error.
 */
export function spellOptions(options) {
    const members = {};
    for (const [name, value] of Object.entries(options)) {
        if (!texts.has(name) && !numbers.has(name) && !others.has(name)) {
            throw new TypeError(`no option "${name}"`);
        }
        if (value === undefined) continue;
        if (texts.has(name)) put(members, texts.get(name), checkText(name, name === 'parent' ? String(value) : value));
        if (numbers.has(name)) put(members, numbers.get(name), number(name, value));
    }
    if (options.timeout !== undefined) put(members, 'timeout_ms', number('timeout', options.timeout));
    if (options.retries !== undefined) putRetries(members, options.retries);
    const json = JSON.stringify(members).slice(1, -1);
    const args = options.args === undefined ? '' : `,"args":${spellArgs(options.args)}`;
    return (json === '' ? '' : `,${json}`) + args;
}

export function spellHandler(handler) {
    return `"handler":${JSON.stringify(checkText('handler', handler))}`;
}
