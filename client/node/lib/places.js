// SPDX-License-Identifier: MIT
// Where a daemon listens.
import {lstat} from 'node:fs/promises';
import path from 'node:path';

export const systemSocket = '/run/jobmill/jobmill.sock';

/** What an address of a Unix socket holds. */
const longestPath = 107;

export function ownSocket(env, uid) {
    return env.XDG_RUNTIME_DIR ? `${env.XDG_RUNTIME_DIR}/jobmill/jobmill.sock`
                               : `/tmp/jobmill-${uid}/jobmill.sock`;
}

/** The sockets to try, in turn: one that was named, or the user's own and then the system's. */
export function socketsToTry(named, env, uid) {
    const given = named ?? (env.JOBMILL_SOCKET || undefined);
    return given === undefined ? [ownSocket(env, uid), systemSocket] : [given];
}

export function checkSocketPath(socket) {
    if (typeof socket !== 'string' || !path.isAbsolute(socket)) {
        throw new TypeError(`socket path "${socket}" is not absolute`);
    }
    if (Buffer.byteLength(socket) > longestPath) {
        throw new RangeError(`socket path of ${Buffer.byteLength(socket)} bytes; the limit is ${longestPath}`);
    }
}

/**
 * Why nobody should connect to what is in this directory. In /tmp anybody may have made it before
 * us, and whom we connect to gets what our jobs say.
 */
export async function faultOfDirectory(directory, uid) {
    let status;
    try {
        status = await lstat(directory);
    } catch {
        return undefined;  // connecting will tell
    }
    if (!status.isDirectory()) return 'is not a directory';
    if (status.uid !== uid && status.uid !== 0) return `belongs to user ${status.uid}`;
    return (status.mode & 0o022) === 0 ? undefined : 'may be written by others (chmod 0700 it)';
}
