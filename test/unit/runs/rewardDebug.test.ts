import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { realpathSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { judgesWithPython } from '../../../src/runs/rewardConsent';
import { functionPlaces, rewardDebugLaunch } from '../../../src/runs/rewardDebug';
import { callTrainer } from '../../../src/runs/trainerCall';
import { inFolder } from '../support/folder';
import { testInterpreter } from '../support/testPython';

const python = testInterpreter();
const trainerFolder = resolve('trainer');

describe('a reward under the debugger', () => {
  it('is called in the process that is started, and stops where the trainer says it begins', () =>
    inFolder(async (made) => {
      const folder = realpathSync(made);
      const [recipe, requests] = [join(folder, 'r.srft.json'), join(folder, 'one.jsonl')];
      writeFileSync(
        join(folder, 'reward.py'),
        'import sys\n\n\ndef score(prompt, response, answer, row):\n    """Doc."""\n    return "srft.verify" in sys.modules\n',
      );
      const reward = { gate: null, parts: [{ kind: 'python', path: 'reward.py' }] };
      const value = { model: { path: 'm' }, data: { path: 'd.jsonl' }, reward };
      writeFileSync(recipe, JSON.stringify(value));
      writeFileSync(requests, `${JSON.stringify({ id: 'a', response: 'x' })}\n`);
      assert.ok(judgesWithPython(value));
      assert.ok(!judgesWithPython({ reward: { parts: [{ kind: 'exact' }] } }));

      const where = await callTrainer({ python, trainerFolder, args: ['verify', recipe, '--where'], env: process.env });
      assert.ok(where.kind === 'answered' && where.code === 0);
      assert.deepEqual(functionPlaces(where.stdout), [{ file: join(folder, 'reward.py'), line: 6 }]);

      const launch = rewardDebugLaunch({ python, trainerFolder, recipe, requests, env: { PYTHONPATH: 'more' } });
      assert.ok(launch.kind === 'read');
      const { module, args, cwd, env, ...rest } = launch.value;
      assert.deepEqual(rest, {
        type: 'debugpy',
        request: 'launch',
        name: 'SRFT: Debug Reward',
        python,
        console: 'internalConsole',
        internalConsoleOptions: 'openOnSessionStart',
        subProcess: false,
      });
      assert.match(env['PYTHONPATH'] ?? '', /trainer.more$/);
      // As the debugger does, which adds itself.
      const ran = spawnSync(python, ['-m', module, ...args], {
        cwd,
        env: { ...process.env, ...env },
        encoding: 'utf8',
      });
      const verdict = JSON.parse(ran.stdout) as { readonly correct: boolean; readonly parts: unknown };
      assert.deepEqual([verdict.correct, verdict.parts], [true, { python: 1 }]);
    }));

  it('is not started with a path that the editor would replace', () => {
    const given = { python, trainerFolder, recipe: '/w/${command:x}/r.srft.json', requests: '/s/one.jsonl', env: {} };
    const launch = rewardDebugLaunch(given);
    assert.ok(launch.kind === 'broken');
    assert.match(launch.reason, /^The path \/w\/\$\{command:x\}\/r\.srft\.json holds \$\{/);
    const other = rewardDebugLaunch({ ...given, recipe: '/w/r.srft.json', env: { PYTHONPATH: '/${env:HOME}' } });
    assert.ok(other.kind === 'read');
    assert.equal(other.value.env['PYTHONPATH'], trainerFolder);
  });
});
