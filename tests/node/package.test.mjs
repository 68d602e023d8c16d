// SPDX-License-Identifier: MIT
// What a user gets: the package, its types and its page.
import assert from 'node:assert/strict';
import {execFile, execFileSync} from 'node:child_process';
import {mkdirSync, readFileSync, symlinkSync} from 'node:fs';
import path from 'node:path';
import {after, before, describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';

import * as jobmill from '../../client/node/lib/index.js';
import {build, PrivateDaemon} from './support/private_daemon.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const home = path.join(root, 'client/node');
const types = readFileSync(path.join(home, 'index.d.ts'), 'utf8');

function hasNpm() {
    try {
        execFileSync('npm', ['--version'], {stdio: 'ignore'});
        return true;
    } catch {
        return false;
    }
}

describe('the package', () => {
    let daemon;
    before(async () => {
        daemon = await PrivateDaemon.start();
    });
    after(() => daemon.remove());

    it('has types for all that it exports, and exports what it has types for', () => {
        const typed = [...types.matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name);
        assert.deepEqual(typed.sort(), Object.keys(jobmill).sort());
    });

    it('has types for the methods of a pool', () => {
        const typed = types.slice(types.indexOf('export class Pool ')).split('\n}')[0];
        for (const name of Object.getOwnPropertyNames(jobmill.Pool.prototype)) {
            assert.match(typed, new RegExp(`\\b${name}\\b`), name);
        }
    });

    it('has the version of the daemon', () => {
        const {version} = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8'));
        const said = execFileSync(path.join(build, 'bin/jobmilld'), ['--version'], {encoding: 'utf8'});
        assert.ok(said.includes(version), said);
    });

    it('takes every option of the protocol', async () => {
        const pool = await jobmill.connect({socket: daemon.socket});
        const page = readFileSync(path.join(root, 'common/PROTOCOL.md'), 'utf8');
        const table = page.split('And these, of which each')[1].split('```')[0];
        const values = {cpus: '0', batch: 'b', halt: 'now,fail=1', parent: '1'};
        const names = [...table.matchAll(/^\| ([a-z_]+) \|/gm)].map(([, name]) => name).filter((name) => name !== 'option');
        assert.ok(names.length >= 19);
        for (const name of names) {
            const option = name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
            // Refused for its value or taken, but known on both sides.
            await pool.run('echo', '', {[option]: values[name] ?? 19, batch: 'b'}).catch((error) => {
                assert.ok(error.code !== 'unknown_option' && !(error instanceof TypeError), `${name}: ${error}`);
            });
            assert.match(types, new RegExp(`\\b${option}\\?:`), option);
        }
        await pool.close();
    });

    it('holds its sources, its types, its page and its licence', {skip: hasNpm() ? false : 'npm is missing'}, () => {
        const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--offline'],
                                  {cwd: home, encoding: 'utf8', env: {...process.env, npm_config_cache: daemon.place}});
        const files = JSON.parse(said)[0].files.map((file) => file.path);
        const odd = files.filter((file) => !/^lib\/[a-z]+\.js$/.test(file)).sort();
        assert.deepEqual(odd, ['LICENSE', 'README.md', 'index.d.ts', 'package.json']);
        assert.ok(files.includes('lib/index.js'));
    });

    it('does what its page says', async () => {
        const place = daemon.path('page');
        execFileSync('sh', [path.join(root, 'tests/docs/extract.sh'), path.join(home, 'README.md'), place]);
        mkdirSync(path.join(place, 'node_modules'));
        symlinkSync(home, path.join(place, 'node_modules/jobmill'));
        const {stdout} = await promisify(execFile)(process.execPath, ['first.mjs'], {
            cwd: place, env: {...process.env, JOBMILL_SOCKET: daemon.socket}, timeout: 60_000});
        assert.equal(stdout, readFileSync(path.join(place, 'first.mjs.out'), 'utf8'));
    });
});
