import { spawn, spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { initProject } from '#app/project/init'
import { openWorkspace } from '#app/project/workspace'
import { dvcEnvironment, ours, sandbox, type Sandbox } from './support.ts'
import { MAIN } from '../../support/orrery.ts'

let box: Sandbox

beforeEach(async () => {
  box = sandbox()
  await initProject(box.root, { noScm: false })
})
afterEach(() => {
  spawnSync('chmod', ['-R', 'u+w', dirname(box.root)])
  box.remove()
})

/** Puts bytes into the cache under their own name, as a hostile remote would have them. */
function object(text: string, suffix = ''): string {
  const md5 = hash('md5', text)
  const path = `.dvc/cache/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}${suffix}`
  box.write(path, text)
  chmodSync(join(box.root, path), 0o444)
  return `${md5}${suffix}`
}

const evil = 'ssh-rsa evil\n'
const dvcFile = (path: string, md5: string) =>
  `outs:\n- md5: ${md5}\n  hash: md5\n  path: ${JSON.stringify(path)}\n`

/** Everything that lies in and beside the project, but for what is nobody's data. */
function everything(): string[] {
  const files = readdirSync(dirname(box.root), { recursive: true, encoding: 'utf8' })
  return files.filter((path) => !/\.dvc\/tmp|\.git\//.test(path)).toSorted()
}

/** What the verbs say that were called, of which none may have changed anything. */
async function refusals(): Promise<string> {
  const before = everything()
  const hooks = readdirSync(join(box.root, '.git/hooks'))
  const { data, upkeep } = ours(box)
  const verbs = [
    () => data.checkout([], { force: true }),
    () => upkeep.collect({}, {}),
    () => data.push(),
  ]
  const said: string[] = []
  for (const verb of verbs)
    said.push(
      await verb().then(
        () => 'done',
        (error: unknown) => String(error),
      ),
    )
  expect(everything()).toEqual(before)
  expect(readdirSync(join(box.root, '.git/hooks'))).toEqual(hooks)
  return [...new Set(said)].join('; ')
}

describe('a .dvc file or a dvc.yaml is refused, with its name and the path, before anything is written', () => {
  const paths: [string, RegExp][] = [
    ['../outside', /leads out of the project/],
    ['a/../../outside', /leads out of the project/],
    ['/outside', /absolute/],
    ['.git/hooks/post-checkout', /lies in \.git/],
    ['.GIT/config', /lies in \.GIT/],
    ['.dvc/config', /lies in \.dvc/],
    ['deep/.git/hooks/x', /lies in \.git/],
    ['nul\0name', /NUL/],
    ['.', /whole project/],
  ]
  test.for(paths)('that names %j', async ([path, message]) => {
    box.write('good', 'good\n')
    await ours(box).data.add(['good'])
    rmSync(join(box.root, 'good'))
    box.write('evil.dvc', dvcFile(path, object(evil)))
    expect(await refusals()).toMatch(
      new RegExp(`^Problem: evil\\.dvc.*${message.source}[^;]*(?:; nothing[^;]*)?$`),
    )
  })

  test('that has a wdir which leads out', async () => {
    box.write('evil.dvc', `wdir: ../..\n${dvcFile('x', object(evil))}`)
    expect(await refusals()).toMatch(/evil\.dvc.*leads out/)
  })

  test('that has a stage whose output is a hook of Git', async () => {
    box.write(
      'dvc.yaml',
      'stages:\n  a:\n    cmd: "true"\n    outs:\n    - .git/hooks/post-commit\n',
    )
    expect(await refusals()).toMatch(/dvc\.yaml.*\.git\/hooks\/post-commit.*lies in \.git/)
  })

  test('that is a YAML bomb, nested without end, or no file', async () => {
    const lines = Array.from(
      { length: 12 },
      (_, at) =>
        `  a${at}: &a${at} [${Array(10)
          .fill(at === 0 ? 'x' : `*a${at - 1}`)
          .join(', ')}]`,
    )
    box.write('bomb.dvc', `meta:\n${lines.join('\n')}\nouts: []\n`)
    expect(await refusals()).toMatch(/bomb\.dvc.*aliases unfold/)
    box.write('bomb.dvc', `meta: ${'['.repeat(100_000)}`)
    expect(await refusals()).toMatch(/bomb\.dvc.*nested too deeply/)
    rmSync(join(box.root, 'bomb.dvc'))
    spawnSync('mkfifo', [join(box.root, 'pipe.dvc')])
    expect(await refusals()).toMatch(/pipe\.dvc is no file/)
    rmSync(join(box.root, 'pipe.dvc'))
    box.write('large.dvc', 'outs: []\n')
    truncateSync(join(box.root, 'large.dvc'), 200 * 1024 * 1024)
    expect(await refusals()).toMatch(/large\.dvc has \d+ bytes/)
  })
})

describe("a folder's list is refused, with its folder, before anything is written", () => {
  const lists: [string, string[], RegExp][] = [
    ['a path that leads out', ['../../outside'], /leads out of the folder/],
    ['an absolute path', ['/outside'], /absolute/],
    ['a path that leads out from inside', ['a/../../../outside'], /leads out/],
    ['one path twice', ['same', 'same'], /twice/],
    ['a file that is a folder too', ['a', 'a/b'], /as a file and as a folder/],
    ['a NUL', ['a\0b'], /NUL/],
    ["Git's folder", ['.git/hooks/post-checkout'], /lies in \.git/],
    ["DVC's folder", ['x/.DVC/config'], /lies in \.DVC/],
  ]
  test.for(lists)('that has %s', async ([, relpaths, message]) => {
    const md5 = object(evil)
    const list = object(JSON.stringify(relpaths.map((relpath) => ({ md5, relpath }))), '.dir')
    box.write('good', 'good\n')
    await ours(box).data.add(['good'])
    rmSync(join(box.root, 'good'))
    box.write('zdata.dvc', dvcFile('zdata', list))
    const before = everything()
    const { data, upkeep } = ours(box)
    await expect(data.checkout([], { force: true })).rejects.toThrow(message)
    await expect(data.checkout()).rejects.toThrow(/zdata \(zdata\.dvc\)/)
    await expect(upkeep.collect({}, {})).rejects.toThrow(/orrery fsck/)
    expect(everything()).toEqual(before)
    const { findings, broken } = await upkeep.scrub({ dry: true })
    expect(broken).toBe(true)
    expect(findings).toMatchObject([
      { fault: 'refused list', name: list, neededBy: { path: 'zdata' } },
    ])
  })
})

describe('a link that points out of the project is not written through', () => {
  test.for(['beside', 'inside'])('%s the data', async (where) => {
    const outside = join(box.root, '..', 'outside')
    mkdirSync(outside)
    const md5 = object(evil)
    const list = object(JSON.stringify([{ md5, relpath: 'sub/keys' }]), '.dir')
    if (where === 'inside') {
      mkdirSync(join(box.root, 'data'))
      symlinkSync(outside, join(box.root, 'data', 'sub'))
      box.write('data.dvc', dvcFile('data', list))
    } else {
      symlinkSync(outside, join(box.root, 'data'))
      box.write('data.dvc', dvcFile('data/keys', md5))
    }
    for (const force of [false, true])
      await expect(ours(box).data.checkout([], { force })).rejects.toThrow(
        /is a link that leads to .*outside.*remove the link/,
      )
    expect(readdirSync(outside)).toEqual([])
  })
})

describe('what a remote and a disk can do', () => {
  beforeEach(async () => {
    box.write('data', 'the data\n')
    box.write('.dvc/config', `[core]\n    remote = r\n['remote "r"']\n    url = ../../remote\n`)
    await ours(box).data.add(['data'])
  })
  const far = () => {
    const md5 = hash('md5', 'the data\n')
    return join(box.root, '../remote/files/md5', md5.slice(0, 2), md5.slice(2))
  }
  const fresh = () => {
    rmSync(join(box.root, '.dvc/cache'), { recursive: true, force: true })
    rmSync(join(box.root, 'data'), { force: true })
  }

  test('a truncated object, or one of other bytes, never gets a name in the cache', async () => {
    await ours(box).data.push()
    for (const bytes of ['the da', 'the dada\n', 'the data\n and a lie about its size']) {
      fresh()
      chmodSync(far(), 0o644)
      writeFileSync(far(), bytes)
      chmodSync(far(), 0o444)
      const { fetched, checkout } = await ours(box).data.pull()
      expect(fetched.failed).toMatchObject([{ path: 'data' }])
      expect(checkout.failed).toHaveLength(1)
      expect(existsSync(join(box.root, 'data'))).toBe(false)
      expect(everything().filter((path) => /cache\/files\/md5\/..\/./.test(path))).toHaveLength(0)
    }
  })

  test('a remote that is gone is told as such, and nothing is lost', async () => {
    await ours(box).data.push()
    rmSync(join(box.root, '../remote'), { recursive: true })
    fresh()
    const { fetched } = await ours(box).data.pull()
    expect(fetched.failed[0]).toMatchObject({
      path: 'data',
      reason: expect.stringMatching(/is not/) as string,
    })
    box.write('data', 'the data\n')
    await ours(box).data.add(['data'])
    await ours(box).data.push()
    expect(readFileSync(far(), 'utf8')).toBe('the data\n')
  })

  test('a full disk stops add with a word on it; what was there stays, and again goes well', () => {
    box.write('large', Buffer.alloc(3 << 20, 'x'))
    const limited = spawnSync(
      'sh',
      [
        '-c',
        'trap "" XFSZ; ulimit -f 2048; exec "$0" "$@"',
        process.execPath,
        MAIN,
        'add',
        'large',
      ],
      { cwd: box.root, env: dvcEnvironment(), encoding: 'utf8' },
    )
    expect(limited.status).not.toBe(0)
    expect(limited.stderr).toMatch(/large|EFBIG/)
    expect(existsSync(join(box.root, 'large.dvc'))).toBe(false)
    const after = spawnSync(process.execPath, [MAIN, 'add', 'large'], {
      cwd: box.root,
      env: dvcEnvironment(),
    })
    expect(after.status).toBe(0)
    expect(JSON.parse(box.dvc('status', '--json'))).toEqual({})
  })
})

describe('several at once', () => {
  test('wait for one another, and say for whom', async () => {
    box.write('data', 'x\n')
    const lock = join(box.root, '.dvc/tmp/lock')
    mkdirSync(dirname(lock), { recursive: true })
    const holder = spawn('sh', [
      '-c',
      `exec 9>"$0"; flock 9; echo " $$" >&9; echo held; sleep 2`,
      lock,
    ])
    await once(holder.stdout, 'data')
    const told: string[] = []
    const project = openWorkspace(box.root, {
      variables: dvcEnvironment(),
      environments: join(box.root, '..', 'environments'),
      onWait: (who) => told.push(who),
    })
    expect(await project.data.add(['data'])).toHaveLength(1)
    expect(told).toEqual([expect.stringMatching(/^sh .*\(process \d+\)$/s)])
    expect(JSON.parse(box.dvc('status', '--json'))).toEqual({})
  })
})
