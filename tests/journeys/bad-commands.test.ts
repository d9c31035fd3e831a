import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contentOf, runCommand, type Ended } from '../support/command.ts'
import { freePort } from '../support/process.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

type Files = Readonly<Record<string, string>>

/** A command that cannot do what it is told: in a folder with these files, it must speak of this. */
type Case = readonly [args: string, words: RegExp, files?: Files]

const PROJECT: Files = { '.dvc/config': '', '.dvcignore': '' }
/** Where nothing listens. */
let nowhere = ''
let root = ''
let server: TestServer

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'orrery-bad-commands-'))
  nowhere = `http://127.0.0.1:${await freePort()}`
  server = await startTestServer()
})
afterAll(async () => {
  await server.stop()
  await rm(root, { recursive: true, force: true })
})

const STACK = /^ +at .+:\d+/m

let folders = 0

async function folderWith(files: Files): Promise<string> {
  const folder = join(root, String(folders++))
  await mkdir(folder)
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  if (Object.keys(files).length > 0) execFileSync('git', ['init', '-q'], { cwd: folder })
  return folder
}

/** What is wrong with how the command fails, with and without `--json`. */
async function faultsOf([line, words, files = {}]: Case): Promise<string[]> {
  const folder = await folderWith(files)
  const before = await contentOf(folder)
  const args = line
    .replaceAll('SERVER', server.url)
    .replaceAll('NOWHERE', nowhere)
    .split(' ')
    .filter((arg) => arg !== '')
  const faults: string[] = []
  const plain = await runCommand(folder, args)
  const lines = plain.err.trimEnd().split('\n')
  if (plain.code !== 2) faults.push(`its exit code is ${plain.code}`)
  if (plain.out !== '') faults.push(`it prints ${plain.out}`)
  // A list of faults has a line each.
  if (lines.length > 5 || !plain.err.startsWith('orrery: ') || STACK.test(plain.err))
    faults.push(`it says ${plain.err}`)
  if (!words.test(plain.err)) faults.push(`it does not say ${words}: ${plain.err}`)
  // The way to --json is one for all commands: every fourth case proves it.
  if (folders % 4 === 0)
    faults.push(...jsonFaults(words, await runCommand(folder, [...args, '--json'])))
  const after = await contentOf(folder)
  const written = Object.keys(after).filter((path) => after[path] !== before[path])
  if (JSON.stringify(after) !== JSON.stringify(before))
    faults.push(`it wrote ${written.join(', ')}`)
  return faults.map((fault) => `orrery ${line}: ${fault}`)
}

function jsonFaults(words: RegExp, { code, out, err }: Ended): string[] {
  const asked = code === 2 && err === '' && isError(out, words)
  return asked ? [] : [`with --json it ends with ${code}, prints ${out}, and says ${err}`]
}

function isError(text: string, words: RegExp): boolean {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string } }
    return /^[a-z-]+$/.test(error.code) && error.code !== 'internal' && words.test(error.message)
  } catch {
    return false
  }
}

async function faultsIn(cases: readonly Case[]): Promise<string[]> {
  const faults: string[] = []
  // Two at once, as there are no more cores.
  const left = [...cases]
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift())
      faults.push(...(await faultsOf(next)))
  }
  await Promise.all([work(), work()])
  return faults
}

describe('a command that cannot do what it is told says why in a line, ends with 2 and writes nothing', () => {
  test('when its arguments are not right', async () => {
    expect(
      await faultsIn([
        ['', /orrery --help/],
        ['nonsense', /nonsense/],
        ['statsu', /status/],
        ...[
          'add',
          'remote',
          'trace',
          'alias',
          'alias m:1',
          'promote',
          'predict',
          'feedback',
          'audit',
          'project',
        ].map((line): Case => [line, new RegExp(`orrery ${line.split(' ')[0]} --help`)]),
        ['init --nonsense', /nonsense/],
        ['repro --timeout soon', /soon/, PROJECT],
        ['remote make', /orrery remote --help/, PROJECT],
        ['audit burn', /verify.*prove.*export/],
        ['project burn', /add.*sync.*show.*list/],
        ['up --port many', /port/],
        ['up --port 70000', /port/],
        ['up --log-level loud', /logLevel/],
        ['up --host 0.0.0.0', /--host 127\.0\.0\.1/],
        ['up --port 0 --home /proc/none/here', /cannot be written.*another --home/],
        ['up --host nowhere.invalid', /--host 127\.0\.0\.1/],
        ['up --home', /home/],
        ['up more', /more/],
        ['doctor --port many', /port/],
        ['audit prove', /POSITION/],
        ['audit prove first', /position/i],
        ['promote champion x --url SERVER', /flights-late:2/],
        ['alias champion x --url SERVER', /flights-late:2/],
        ['feedback late --url SERVER', /--label/],
        ['endpoints --roll-out --url SERVER', /name the endpoint/],
        ['endpoint list --limit 0 --url SERVER', /--limit is a number, 1 or more/],
        ['endpoint logs e --limit few --url SERVER', /--limit is a number, 1 or more/],
        ['data-store show --url SERVER', /name the data store/],
        ['data-store show none --url SERVER', /no data store none/],
        ['data-store create Big --url SERVER', /lower-case/],
        ['data-store create big --quota lots --url SERVER', /500GB/],
        ['data-store token none --url SERVER', /--read/],
        ['data-store delete none --yes --url SERVER', /no data store none/],
        ['project show --url SERVER', /name the project/],
        ['project sync --url SERVER', /name the project/],
        ['policies --limit many --url SERVER', /limit/],
        ['policies --url ftp://x', /ftp:\/\/x/],
        ['policies --url nonsense', /nonsense/],
        ['policies show --url SERVER', /polic/i],
        ['trigger --url SERVER', /trigger --help|polic/i],
        ['backfill flights --from soon --to 2026-01-31 --url SERVER', /soon/],
        ['run', /run --help/],
        ['run show --url SERVER', /name the run/],
        ['run p -e NOVALUE --url SERVER', /NAME=VALUE/],
        ['run p --id ../x --url SERVER', /idempotency-key|name a run/i],
        ['run list --limit many --url SERVER', /limit/],
        ['alerts show --url SERVER', /name the alert/],
        ['alerts ack --url SERVER', /name the alert/],
        ['alerts unsilence --url SERVER', /name the silence/],
        ['alerts silence --match endpoint=a --for soon --comment c --url SERVER', /soon/],
        ['alerts silence --match colour=red --for 1h --comment c --url SERVER', /colour/],
        ['alerts test nowhere --url SERVER', /nowhere/],
        ['alerts burn --url SERVER', /burn|alerts --help/],
        ['drift', /drift --help/],
        ['drift none.csv none.csv', /none\.csv/],
        ['drift rows.csv rows.csv --statistic nonsense', /nonsense/, { 'rows.csv': 'a\n1\n2\n' }],
        ['drift rows.csv rows.csv --preset nonsense', /nonsense/, { 'rows.csv': 'a\n1\n2\n' }],
        ['monitor', /monitor --help/],
        ['monitor import fraud --url SERVER', /monitor/],
        ['monitor import fraud none.csv --outputs p --url SERVER', /none\.csv|fraud/],
        ['monitor score none.csv --truth none.csv --id a --label b', /none\.csv/],
        ['log-receivers add one --url SERVER', /NAME URL/],
        ['log-receivers add one ftp://x --url SERVER', /ftp/],
        ['log-receivers remove none --url SERVER', /none/],
        ['report nobody --url SERVER', /nobody/],
        ['export nonsense x --url SERVER', /nonsense/],
      ]),
    ).toEqual([])
  })

  test('when the folder is no project', async () => {
    expect(
      await faultsIn(
        [
          'add x',
          'status',
          'checkout',
          'push',
          'pull',
          'remote list',
          'remote add a /b',
          'repro',
          'environment',
        ].map((line) => [line, /orrery init/]),
      ),
    ).toEqual([])
  })

  test('when the files of a project are broken', async () => {
    expect(
      await faultsIn([
        ...['status', 'repro', 'repro --dry'].map((line): Case => [
          line,
          /dvc\.yaml/,
          { ...PROJECT, 'dvc.yaml': 'stages: [' },
        ]),
        ['repro', /dvc\.yaml/, { ...PROJECT, 'dvc.yaml': 'stages:\n  a: { outs: [x] }\n' }],
        [
          'repro',
          /dvc\.yaml/,
          { ...PROJECT, 'dvc.yaml': 'stages:\n  a: { cmd: "true", oust: [x] }\n' },
        ],
        [
          'repro',
          /reads x and writes it/,
          { ...PROJECT, 'dvc.yaml': 'stages:\n  a: { cmd: "true", deps: [x], outs: [x] }\n' },
        ],
        [
          'repro',
          /dvc\.lock/,
          { ...PROJECT, 'dvc.yaml': 'stages:\n  a: { cmd: "true" }\n', 'dvc.lock': '{' },
        ],
        [
          'status',
          /dvc\.lock/,
          { ...PROJECT, 'dvc.yaml': 'stages:\n  a: { cmd: "true" }\n', 'dvc.lock': '- x' },
        ],
        ...['status', 'checkout', 'push', 'pull', 'repro'].map((line): Case => [
          line,
          /data\.dvc/,
          { ...PROJECT, 'data.dvc': 'outs: {' },
        ]),
        ['status', /data\.dvc/, { ...PROJECT, 'data.dvc': 'outs:\n- md5: nonsense\n' }],
        ['environment', /orrery\.yaml/, { ...PROJECT, 'orrery.yaml': 'nonsense: 1' }],
        [
          'environment',
          /none\.txt/,
          { ...PROJECT, 'orrery.yaml': 'project: p\nenvironment: { requirements: none.txt }' },
        ],
        ['status', /config/, { '.dvc/config': '[core\nremote' }],
        ['push -r nowhere', /nowhere/, PROJECT],
        ['remote add a', /orrery remote --help/, PROJECT],
        ['remote modify a jobs 1', /no remote a/, PROJECT],
        ['remote add a gopher://b/c', /gopher/, PROJECT],
        ['config core.nonsense 1', /nonsense/, PROJECT],
        ['config nonsense', /section\.option/, PROJECT],
        ['remove none.dvc', /none\.dvc/, PROJECT],
        ['remove none', /\.dvc file/, PROJECT],
        ['move none there', /none/, PROJECT],
        ['commit none', /none/, PROJECT],
        ['unprotect none', /none/, PROJECT],
        ['check-ignore -n x', /--details/, PROJECT],
        ['add --to-remote x', /remote add/, { ...PROJECT, x: '' }],
        ['add none -o there', /none/, PROJECT],
        ['add none', /none/, PROJECT],
        ['add ../../x', /outside/, PROJECT],
        ['checkout none', /none/, PROJECT],
        ['status none', /none/, PROJECT],
        ['exp apply none', /git commit/, PROJECT],
        ['exp run -S lr', /lr/, { ...PROJECT, 'dvc.yaml': 'stages:\n  a: { cmd: "true" }\n' }],
        ['repro none', /none/, { ...PROJECT, 'dvc.yaml': 'stages:\n  a: { cmd: "true" }\n' }],
        ['repro', /dvc\.yaml/, PROJECT],
        ['init', /already/, PROJECT],
        ['up', /config\.yaml/, { '.orrery/config.yaml': 'prot: 1' }],
        ['up', /config\.yaml/, { '.orrery/config.yaml': '[' }],
        ['doctor', /from file/, { '.orrery/config.yaml': 'port: many' }],
      ]),
    ).toEqual([])
  })

  test('when no server answers, or something else does', async () => {
    const other = createServer((_, response) => response.end('<html>'))
    const port = await freePort()
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
    const rows = { 'rows.json': '[{"a": 1}]' }
    const lines = [
      'trace x',
      'alias m:1 a',
      'promote m:1 a',
      'endpoints',
      'endpoints e --roll-out',
      'predict e rows.json',
      'feedback e --key k --label 1',
      'policies',
      'runs',
      'models',
      'alerts',
      'audit prove 0',
      'audit export',
      'project list',
      'project add .',
      'run p',
      'run list',
      'backfill list',
      'trigger p/q',
    ]
    try {
      expect(
        await faultsIn([
          ...lines.map((line): Case => [`${line} --url NOWHERE`, /orrery up/, rows]),
          ...lines
            .filter((line) => !line.startsWith('audit export'))
            .map((line): Case => [
              `${line} --url http://127.0.0.1:${port}`,
              /not as an Orrery server/,
              rows,
            ]),
          [
            'repro --record --url NOWHERE',
            /orrery up/,
            { ...PROJECT, 'dvc.yaml': 'stages:\n  a: { cmd: "true" }\n' },
          ],
        ]),
      ).toEqual([])
    } finally {
      other.close()
    }
  })

  test('when the server does not know what is meant', async () => {
    expect(
      await faultsIn(
        (
          [
            ['trace nobody', /nobody/],
            ['alerts show nobody', /nobody/],
            ['alerts ack nobody', /nobody/],
            ['alerts unsilence nobody', /nobody/],
            ['alerts test nobody/nowhere', /nobody|nowhere/],
            ['alias nobody:1 a', /nobody/],
            ['promote nobody:1 champion', /nobody/],
            ['endpoints nobody', /nobody/],
            ['endpoints nobody --roll-out', /nobody/],
            ['predict nobody rows.json', /nobody/, { 'rows.json': '[{"a": 1}]' }],
            ['predict nobody rows.json', /rows\.json/, { 'rows.json': '[1' }],
            ['predict nobody rows.json', /rows\.json/, { 'rows.json': '[1]' }],
            ['predict nobody none.json', /none\.json/],
            ['feedback nobody --key k --label 1', /nobody/],
            ['audit prove 999999', /999999/],
            ['audit prove -1', /-1/],
            ['project show nobody', /nobody/],
            ['run nobody', /nobody/],
            ['run show nobody', /nobody/],
            ['run logs nobody', /nobody/],
            ['run cancel nobody', /nobody/],
            ['run approve nobody deploy', /nobody/],
            ['trigger nobody/nightly', /nobody/],
            ['policies show nobody/nightly', /nobody/],
            ['policies cancel nobody', /nobody/],
            ['backfill nobody --from 2026-01-01 --to 2026-01-02', /nobody/],
            ['backfill cancel nobody', /nobody/],
            ['project sync nobody', /nobody/],
            ['project add /no/such/folder', /\/no\/such\/folder/],
            ['project add .', /git/i],
            ['project add --branch ../x .', /branch/],
          ] as Case[]
        ).map(([line, words, files]): Case => [`${line} --url SERVER`, words, files ?? {}]),
      ),
    ).toEqual([])
  })

  test('when a home is not to be had', async () => {
    expect(
      await faultsIn([
        ['up --home file', /file/, { file: '' }],
        ['up --home file/deeper', /file/, { file: '' }],
        [`up --home ${server.home}`, /another server/],
        ['audit verify', /no ledger/],
        ['audit verify --home file', /file/, { file: '' }],
        [`audit verify --home ${server.home} --against none`, /none/],
      ]),
    ).toEqual([])
  })
})

test('a port that is taken is named, and so is the way to another', async () => {
  const { port } = new URL(server.url)
  const folder = await folderWith({})
  const { code, out, err } = await runCommand(folder, ['up', '--port', port])
  expect({ code, out, err }).toEqual({
    code: 2,
    out: '',
    err: expect.stringMatching(new RegExp(`^orrery: .*${port}.*--port.*\n$`)) as string,
  })
})

test('a negative answer is no failure to ask: it ends with 1 and is told as a result', async () => {
  const folder = await folderWith({ ...PROJECT, 'dvc.yaml': 'stages:\n  a: { cmd: "false" }\n' })
  expect(await runCommand(folder, ['repro', '--no-record'])).toMatchObject({ code: 1, err: '' })
  expect(await runCommand(folder, ['status', '--quiet'])).toEqual({ code: 1, out: '', err: '' })
})
