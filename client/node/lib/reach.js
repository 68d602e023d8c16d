// SPDX-License-Identifier: MIT
// A connection to a daemon: the first that answers at one of its places, or one that is started.
import {execFile} from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';

import {DaemonGone} from './errors.js';
import {checkSocketPath, faultOfDirectory, ownSocket, socketsToTry, systemSocket} from './places.js';

/** Modules load before a daemon answers, and one that stops may be waited for. */
const startPatienceMs = 120_000;
/** Between two tries while the socket's queue is full, and how many there are. */
const queuePauseMs = 20;
const queueTries = 500;

function dialOnce(socket) {
    return new Promise((resolve, reject) => {
        const connection = net.connect({path: socket});
        connection.once('error', reject);
        connection.once('connect', () => {
            connection.off('error', reject);
            resolve(connection);
        });
    });
}

async function dial(socket) {
    for (let tries = 1;; ++tries) {
        try {
            return await dialOnce(socket);
        } catch (error) {
            if (error.code !== 'EAGAIN' || tries === queueTries) throw error;
            await pause(queuePauseMs);
        }
    }
}

/** Runs `jobmill daemon start`, which returns when the daemon answers. */
function startDaemon(named) {
    const words = named === undefined ? [] : ['--socket', named];
    return new Promise((resolve, reject) => {
        execFile('jobmill', [...words, 'daemon', 'start'], {timeout: startPatienceMs},
                 (error, _, stderr) => {
            if (!error) return resolve();
            const why = error.code === 'ENOENT' ? 'there is no jobmill in PATH'
                                                : stderr.trim() || error.message;
            reject(new DaemonGone(`no daemon could be started: ${why}`, {code: 'start', cause: error}));
        });
    });
}

const absences = {
    ENOENT: 'no daemon there',
    ENOTDIR: 'no daemon there',
    ECONNREFUSED: 'nobody listens there',
};

/** One of the places; notes in `tried` when no daemon is there for us. */
async function tryPlace(socket, {own, uid, named, tried}) {
    try {
        const fault = socket === own ? await faultOfDirectory(path.dirname(socket), uid) : undefined;
        if (fault !== undefined) throw new Error(`its directory ${fault}`);
        return await dial(socket);
    } catch (error) {
        const forOthers = error.code === 'EACCES' && socket === systemSocket && !named;
        const why = forOthers ? 'for members of its group only' : absences[error.code];
        if (why === undefined) {
            throw new DaemonGone(`cannot connect to ${socket}: ${error.message}`,
                                 {code: error.code ?? 'EACCES', cause: error});
        }
        tried.push(`${socket} (${why})`);
        return undefined;
    }
}

/**
 * @param {{socket?: string, start?: boolean}} options a daemon is started at the user's own place,
 *     as the command line does it; elsewhere only when `start` is true
 * @returns {Promise<net.Socket>}
 */
export async function reachDaemon({socket, start}, env = process.env, uid = process.getuid()) {
    const own = ownSocket(env, uid);
    const sockets = socketsToTry(socket, env, uid);
    sockets.forEach(checkSocketPath);
    const named = sockets.length === 1;
    const tried = [];
    for (const place of sockets) {
        const connection = await tryPlace(place, {own, uid, named, tried});
        if (connection !== undefined) return connection;
    }
    if (start ?? (sockets[0] === own && !env.JOBMILL_NO_START)) {
        try {
            await startDaemon(sockets[0] === own ? undefined : sockets[0]);
            return await dial(sockets[0]);
        } catch (error) {
            tried.push(error.message);
        }
    }
    const how = sockets[0] === systemSocket ? 'systemctl start jobmilld'
                                            : `jobmill daemon start, or: jobmilld --socket ${sockets[0]}`;
    throw new DaemonGone(`no daemon: tried ${tried.join(', ')}; start one with: ${how}`, {code: 'ENOENT'});
}
