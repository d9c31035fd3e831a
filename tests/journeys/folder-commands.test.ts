import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MAIN } from '../support/orrery.ts'

let root = ''

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'orrery-commands-')))
  execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: root })
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

function orrery(args: string[], folder = '.') {
  const { ORRERY_URL: _url, MLFLOW_TRACKING_URI: _uri, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: join(root, folder),
    encoding: 'utf8',
    env: { ...env, SHELL: '/bin/sh' },
  })
  return { code: status, out: stdout, err: stderr }
}

/** The JSON that a command prints; it must have succeeded. */
function json(args: string[], folder = '.'): Record<string, unknown> {
  const { code, out, err } = orrery([...args, '--json'], folder)
  expect({ code, err }).toMatchObject({ code: 0 })
  return JSON.parse(out) as Record<string, unknown>
}

describe('in a folder', () => {
  test('a command whose reader has gone comes to its end', () => {
    expect(orrery(['init']).code).toBe(0)
    for (let file = 0; file < 50; file++) write(`data/${file}.csv`, `${file}\n`)
    const piped = '"$NODE" "$ORRERY" add data --json | true; echo "ended with $PIPESTATUS"'
    const { stdout, stderr } = spawnSync('bash', ['-c', piped], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NODE: process.execPath, ORRERY: MAIN },
    })
    expect({ stdout, stderr }).toEqual({ stdout: 'ended with 0\n', stderr: '' })
    expect(orrery(['status']).code).toBe(0)
    expect(existsSync(join(root, 'data.dvc'))).toBe(true)
  })

  test('a person makes a project, versions data, runs stages, shares and brings it all back', () => {
    expect(orrery(['init']).out).toContain('orrery add')
    write('data/a.csv', 'a\n')
    write('data/b.csv', 'b\n')
    expect(orrery(['add', 'data']).out).toContain('git add data.dvc .gitignore')
    write(
      'work/dvc.yaml',
      'stages:\n  count: {cmd: wc -l ../data/a.csv > count.txt && echo counted, deps: [../data], outs: [count.txt]}\n',
    )
    const planned = json(['repro', '--dry'], 'work')
    expect(planned).toEqual({
      plan: [
        { name: 'data.dvc', action: 'up-to-date', reason: 'nothing changed' },
        {
          name: 'work/dvc.yaml:count',
          action: 'run',
          reason: 'it has not run before',
          reasons: [{ kind: 'new' }],
        },
      ],
    })
    const ran = orrery(['repro', 'count'], 'work')
    expect(ran.out).toContain('work/dvc.yaml:count | counted')
    expect(orrery(['repro'], 'work').out).toBe('Data and pipelines are up to date.\n')

    expect(json(['remote', 'add', '-d', 'backup', join(root, '.share')])).toEqual({
      remotes: [{ name: 'backup', url: join(root, '.share'), default: true }],
    })
    expect(json(['push'])).toEqual({ objects: 4, failed: [] })
    for (const path of ['data', 'work/count.txt', '.dvc/cache'])
      rmSync(join(root, path), { recursive: true })
    expect(orrery(['status', '-q']).code).toBe(1)
    expect(json(['status'])).toEqual({
      'data.dvc': [{ 'changed outs': { data: 'not in cache' } }],
      'work/dvc.yaml:count': [
        { 'changed deps': { data: 'deleted' } },
        { 'changed outs': { 'work/count.txt': 'not in cache' } },
      ],
    })
    expect(orrery(['checkout']).code).toBe(1)
    expect(json(['pull'])).toMatchObject({ fetched: { objects: 4, failed: [] } })
    expect(readFileSync(join(root, 'data/a.csv'), 'utf8')).toBe('a\n')
    expect(orrery(['status']).out).toBe('Data and pipelines are up to date.\n')
  }, 60_000)

  test('a stage that fails is told with its reason, and the command fails', () => {
    orrery(['init'])
    write('dvc.yaml', 'stages:\n  bad: {cmd: echo about to fail >&2; exit 3, outs: [x]}\n')
    const { code, out } = orrery(['repro'])
    expect(code).toBe(1)
    expect(out).toContain('bad | about to fail')
    expect(out).toContain('bad: failed: `echo about to fail >&2; exit 3` ended with exit code 3')
    const asJson = orrery(['repro', '--json'])
    expect([asJson.code, (JSON.parse(asJson.out) as { outcome: string }).outcome]).toEqual([
      1,
      'failed',
    ])
  }, 30_000)

  test('what makes no sense is refused, with the command that helps, and nothing is written', () => {
    const cases: [string[], RegExp][] = [
      [['status'], /orrery init/],
      [['add'], /Not enough non-option arguments/],
    ]
    for (const [args, words] of cases) {
      const { code, err } = orrery(args)
      expect([code, err]).toEqual([2, expect.stringMatching(words)])
    }
    expect(existsSync(join(root, '.dvc'))).toBe(false)
    orrery(['init'])
    const later: [string[], RegExp][] = [
      [['init'], /project already/],
      [['add', 'missing'], /no such file/],
      [['add', '../outside'], /outside the project/],
      [['push'], /orrery remote add/],
      [['push', '-r', 'nowhere'], /no remote nowhere/],
      [['repro'], /names no stage/],
      [['repro', '--timeout', 'soon'], /no time/],
      [['checkout', 'nothing'], /names no tracked data/],
      [['remote', 'add', 'a b', '/x'], /no name for a remote/],
      [['remote', 'add', 'x'], /need at least 2; "orrery remote --help" tells/],
    ]
    for (const [args, words] of later) {
      const { code, err } = orrery(args)
      expect([args, code, err]).toEqual([args, 2, expect.stringMatching(words)])
    }
    const { code, out } = orrery(['add', 'missing', '--json'])
    expect([code, JSON.parse(out)]).toMatchObject([2, { error: { code: 'not-found' } }])
  }, 60_000)
})

test('a dry run tells which stages wait for approval where the server runs them', () => {
  write('.dvc/config', '')
  write(
    'dvc.yaml',
    'stages:\n  a: { cmd: echo a > a, outs: [a] }\n  ask: { cmd: echo b, deps: [a], meta: { approval: Deploy it? } }\n',
  )
  expect(orrery(['repro', '--dry']).out).toBe(
    'a: run (it has not run before)\nask: run (it has not run before)\n  on the server it waits for approval: Deploy it?\n',
  )
  expect(JSON.parse(orrery(['repro', '--dry', '--json']).out)).toMatchObject({
    plan: [{ name: 'a' }, { name: 'ask', approval: { message: 'Deploy it?' } }],
  })
})
