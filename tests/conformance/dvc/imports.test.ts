import { createServer, type Server } from 'node:http'
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ImportDone, ImportRepository } from '#data'
import { runCommand } from '../../support/command.ts'
import { dvcEnvironment, ours, pythonBin, sandbox, type Sandbox } from './support.ts'

const boxes: Sandbox[] = []
let origin: Sandbox
let theirs: Sandbox
let mine: Sandbox

/** A project with a copy of the same repository beside it, so that `../origin` is the same for both. */
function beside(): Sandbox {
  const box = sandbox()
  boxes.push(box)
  box.dvc('init', '-q')
  box.git('commit', '-q', '-m', 'init')
  cpSync(origin.root, join(box.root, '../origin'), { recursive: true })
  cpSync(join(origin.root, '../store'), join(box.root, '../store'), { recursive: true })
  // What is taken has to come from the remote.
  rmSync(join(box.root, '../origin/.dvc/cache'), { recursive: true })
  mkdirSync(join(box.root, 'sub'))
  return box
}

beforeAll(() => {
  origin = sandbox()
  boxes.push(origin)
  origin.dvc('init', '-q')
  origin.dvc('remote', 'add', '-q', '-d', 'store', '../store')
  origin.write('folder/a', '1\n')
  origin.write('folder/sub/é', '2\n')
  origin.write('single', 'f\n')
  origin.write('tool', '#!/bin/sh\n')
  chmodSync(join(origin.root, 'tool'), 0o755)
  origin.write('code/x.py', 'x\n')
  origin.write('mixed/kept.txt', 'kept\n')
  origin.write('mixed/data', 'data\n')
  origin.dvc('add', '-q', 'folder', 'single', 'tool', 'mixed/data')
  commit(origin, 'one')
  origin.git('tag', 'v1')
  origin.dvc('push', '-q')
  origin.write('folder/a', '3\n')
  origin.write('single', 'g\n')
  origin.dvc('add', '-q', 'folder', 'single')
  commit(origin, 'two')
  origin.dvc('push', '-q')
  ;[theirs, mine] = [beside(), beside()]
})

afterAll(() => {
  for (const box of boxes) box.remove()
})

function commit(box: Sandbox, message: string): void {
  box.git('add', '-A')
  box.git('commit', '-q', '-m', message)
}

async function imported(
  box: Sandbox,
  path: string,
  how: {
    out?: string
    rev?: string
    extent?: 'note' | 'lock' | 'fetch'
    remote?: string
    force?: boolean
  } = {},
): Promise<ImportDone> {
  const repository: ImportRepository = {
    url: '../origin',
    ...(how.rev === undefined ? {} : { rev: how.rev }),
    ...(how.remote === undefined ? {} : { remote: how.remote }),
  }
  return (await ours(box).imports()).importRepository({
    path,
    repository,
    out: how.out ?? path,
    force: how.force ?? false,
    extent: how.extent ?? 'fetch',
  })
}

/** Everything in a project that is not the tools' own. */
function visible(box: Sandbox): Record<string, string> {
  const files = box.tree('.')
  return Object.fromEntries(
    Object.entries(files).filter(
      ([path]) => !path.startsWith('.git/') && !path.startsWith('.dvc/'),
    ),
  )
}

describe('import', () => {
  test('writes the files and brings the data that dvc does', async () => {
    theirs.dvc('import', '-q', '../origin', 'folder')
    await imported(mine, 'folder')
    theirs.dvc('import', '-q', '../origin', 'single', '--rev', 'v1', '-o', 'sub/one')
    await imported(mine, 'single', { rev: 'v1', out: 'sub/one' })
    theirs.dvc('import', '-q', '../origin', 'code')
    await imported(mine, 'code')
    theirs.dvc('import', '-q', '../origin', 'mixed')
    await imported(mine, 'mixed')
    theirs.dvc('import', '-q', '../origin', 'tool', '--remote', 'store')
    await imported(mine, 'tool', { remote: 'store' })
    theirs.dvc('import', '-q', '../origin', 'folder/sub/é', '-o', 'part')
    await imported(mine, 'folder/sub/é', { out: 'part' })
    theirs.dvc('import', '-q', '../origin', 'code/x.py', '--no-exec')
    await imported(mine, 'code/x.py', { out: 'x.py', extent: 'note' })
    theirs.dvc('import', '-q', '../origin', 'single', '--no-download')
    await imported(mine, 'single', { extent: 'lock' })
    expect(visible(mine)).toEqual(visible(theirs))
    expect(mine.tree('.dvc/cache/files')).toEqual(theirs.tree('.dvc/cache/files'))
  })

  test('is taken by dvc as its own', () => {
    const status = JSON.parse(mine.dvc('status', '--json')) as Record<string, unknown>
    expect(status).toEqual(JSON.parse(theirs.dvc('status', '--json')))
  })

  test('keeps away from what is there, tracked, or named as files of DVC are', async () => {
    mine.write('there', 'mine')
    await expect(imported(mine, 'single', { out: 'there' })).rejects.toThrow('exists already')
    await expect(imported(mine, 'single', { out: 'folder/x' })).rejects.toThrow('tracks folder')
    await expect(imported(mine, 'single', { out: 'x.dvc' })).rejects.toThrow('cannot hold')
    await expect(imported(mine, 'nothing', { out: 'n' })).rejects.toThrow('has no nothing')
    await expect(imported(mine, 'single', { out: 'n', rev: '--all' })).rejects.toThrow(
      'no revision',
    )
    expect(mine.read('there')).toBe('mine')
    rmSync(join(mine.root, 'there'))
  })
})

describe('update', () => {
  test('is offered, and done, as by dvc', async () => {
    for (const box of [theirs, mine]) {
      const inOrigin = (command: string, ...args: string[]) =>
        execFileSync(command, args, { cwd: join(box.root, '../origin'), stdio: 'pipe' })
      // The same commit in both copies.
      const dates = {
        GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
        GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
      }
      writeFileSync(join(box.root, '../origin/code/x.py'), 'y\n')
      inOrigin('git', 'add', 'code')
      execFileSync('git', ['commit', '-q', '-m', 'three'], {
        cwd: join(box.root, '../origin'),
        env: { ...process.env, ...dates },
      })
    }
    const imports = await ours(mine).imports()
    const status = JSON.parse(theirs.dvc('status', '--json')) as Record<string, unknown[]>
    const outdated = Object.entries(status).flatMap(([file, changes]) =>
      JSON.stringify(changes).includes('update available') ? [file] : [],
    )
    expect((await imports.outdated([])).map(({ file }) => file).toSorted()).toEqual(
      outdated.toSorted(),
    )
    theirs.dvc('update', '-q', 'code.dvc')
    theirs.dvc('update', '-q', 'folder.dvc', '--rev', 'v1')
    theirs.dvc('update', '-q', 'single.dvc')
    for (const [target, rev] of [['code.dvc'], ['folder', 'v1'], ['single.dvc']])
      await imports.update({
        targets: [String(target)],
        extent: 'fetch',
        force: false,
        ...(rev === undefined ? {} : { rev }),
      })
    expect(visible(mine)).toEqual(visible(theirs))
  })

  test('of what is newest already changes nothing', async () => {
    const imports = await ours(mine).imports()
    const [done] = await imports.update({ targets: ['code.dvc'], extent: 'fetch', force: false })
    expect(done?.change).toBe('unchanged')
  })

  test('keeps comments, and refuses to lose what was changed here', async () => {
    const imports = await ours(mine).imports()
    mine.write('code.dvc', `# from the other team\n${mine.read('code.dvc')}`)
    const back = { targets: ['code.dvc'], extent: 'fetch' as const, rev: 'v1' }
    rmSync(join(mine.root, 'code'), { recursive: true })
    mine.write('code/x.py', 'changed here')
    await expect(imports.update({ ...back, force: false })).rejects.toThrow('kept nowhere else')
    await imports.update({ ...back, force: true })
    expect(mine.read('code.dvc')).toMatch(/^# from the other team\n/)
    expect(mine.read('code/x.py')).toBe('x\n')
  })
})

describe('data of other repositories', () => {
  test('is fetched from there again when it is lost', async () => {
    const imports = await ours(mine).imports()
    rmSync(join(mine.root, '.dvc/cache/files'), { recursive: true })
    rmSync(join(mine.root, 'folder'), { recursive: true })
    const done = await imports.fetch(['folder', 'sub/one'])
    expect(done).toEqual([{ path: 'folder' }, { path: 'sub/one' }])
    const { failed } = await ours(mine).data.checkout(['folder'])
    expect(failed).toEqual([])
    expect(mine.read('folder/a')).toBe('1\n')
  })

  test('comes from a mirror where the repository is elsewhere, and never by a command', async () => {
    const bare = join(origin.root, '../bare.git')
    execFileSync('git', ['clone', '-q', '--bare', origin.root, bare], { stdio: 'pipe' })
    const imports = await ours(mine).imports()
    const from = (url: string) =>
      imports.importRepository({
        path: 'code/x.py',
        repository: { url },
        out: 'mirrored.py',
        force: true,
        extent: 'fetch',
      })
    await from(bare)
    expect(mine.read('mirrored.py')).toBe('x\n')
    for (const url of [
      'ext::sh -c "touch owned"',
      '--upload-pack=touch',
      'fd::17',
      'ssh://-oProxyCommand=x/y',
    ])
      await expect(from(url)).rejects.toMatchObject({ code: 'invalid' })
  })
})

describe('import-url', () => {
  let server: Server
  let url = ''
  let body = 'served\n'
  let secret: string | undefined
  let packed: Buffer | undefined

  beforeAll(async () => {
    server = createServer((request, response) => {
      const isHead = request.method === 'HEAD'
      if (secret !== undefined && request.headers.authorization !== secret)
        response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end()
      else if (packed !== undefined)
        response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(isHead ? undefined : packed)
      else if (request.url === '/broken') {
        response.writeHead(200, { 'Content-Length': 4 })
        if (isHead) response.end()
        else {
          response.write('ab')
          // What has not been read by then is lost with the connection.
          setTimeout(() => response.destroy(), 500)
        }
      } else {
        response.writeHead(request.url === '/x.csv' ? 200 : 404, {
          ETag: `"${Buffer.from(body).toString('hex')}"`,
          'Content-Length': Buffer.byteLength(body),
        })
        response.end(isHead ? undefined : body)
      }
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.csv`
  })

  afterAll(() => server.close())

  async function taken(address: string, out: string, extent: 'note' | 'lock' | 'fetch' = 'fetch') {
    const imports = await ours(mine).imports()
    return imports.importAddress({ url: address, out, extent, force: false })
  }

  test('of paths writes what dvc writes, and is updated as dvc does it', async () => {
    for (const box of [theirs, mine]) {
      mkdirSync(join(box.root, '../outside/deep'), { recursive: true })
      writeFileSync(join(box.root, '../outside/f'), 'f\n')
      writeFileSync(join(box.root, '../outside/deep/g'), 'g\n')
      box.write('inside', 'i\n')
    }
    theirs.dvc('import-url', '-q', '../outside', 'dir')
    await taken('../outside', 'dir')
    theirs.dvc('import-url', '-q', '../outside/f', 'file')
    await taken('../outside/f', 'file')
    theirs.dvc('import-url', '-q', 'inside', 'copy')
    await taken('inside', 'copy')
    theirs.dvc('import-url', '-q', '../outside/f', 'later', '--no-exec')
    await taken('../outside/f', 'later', 'note')
    theirs.dvc('import-url', '-q', '../outside/f', 'locked', '--no-download')
    await taken('../outside/f', 'locked', 'lock')
    for (const box of [theirs, mine]) {
      writeFileSync(join(box.root, '../outside/f'), 'changed\n')
    }
    theirs.dvc('update', '-q', 'file.dvc')
    const imports = await ours(mine).imports()
    await imports.update({ targets: ['file.dvc'], extent: 'fetch', force: false })
    const files = ['dir', 'file', 'copy', 'later', 'locked'].map((name) => `${name}.dvc`)
    for (const file of files) expect([file, mine.read(file)]).toEqual([file, theirs.read(file)])
    expect(mine.read('dir/deep/g')).toBe('g\n')
    expect(mine.read('file')).toBe('changed\n')
  })

  test('of a web server writes what dvc writes, and is updated when it has another version', async () => {
    // A child that is waited for could not be answered.
    await promisify(execFile)(join(pythonBin(), 'dvc'), ['import-url', '-q', url, 'web'], {
      cwd: theirs.root,
      env: dvcEnvironment(),
    })
    await taken(url, 'web')
    expect(mine.read('web.dvc')).toBe(theirs.read('web.dvc'))
    body = 'served anew\n'
    const imports = await ours(mine).imports()
    await imports.update({ targets: ['web'], extent: 'fetch', force: false })
    expect(mine.read('web')).toBe('served anew\n')
    await expect(taken(`${url}.gone`, 'gone')).rejects.toThrow('404')
    packed = gzipSync(body)
    await taken(url, 'packed')
    expect(mine.read('packed')).toBe(body)
    packed = undefined
    const broken = `the transfer from ${url.replace('x.csv', 'broken')} broke off after 2 bytes`
    await expect(taken(url.replace('x.csv', 'broken'), 'broken')).rejects.toThrow(broken)
  })

  test('of a web server that wants a login is let in by what the remote says, as dvc is', async () => {
    secret = `Basic ${Buffer.from('ada:key').toString('base64')}`
    try {
      const login = ['auth', 'basic', 'user', 'ada', 'password', 'key']
      for (const box of [theirs, mine]) {
        box.dvc('remote', 'add', '-q', '-f', 'web', url.slice(0, -'/x.csv'.length))
        for (let at = 0; at < login.length; at += 2)
          box.dvc('remote', 'modify', '-q', '--local', 'web', ...login.slice(at, at + 2))
      }
      await promisify(execFile)(
        join(pythonBin(), 'dvc'),
        ['import-url', '-q', 'remote://web/x.csv', 'shut'],
        { cwd: theirs.root, env: dvcEnvironment() },
      )
      await taken('remote://web/x.csv', 'shut')
      expect(mine.read('shut.dvc')).toBe(theirs.read('shut.dvc'))
      expect(mine.read('shut')).toBe(body)
      await expect(taken(url, 'refused')).rejects.toThrow(/x\.csv answered 401: .*/)
    } finally {
      secret = undefined
    }
  })
})

test('imported data goes to a remote alone, and its newer versions too, as with dvc', async () => {
  const [one, other] = [sandbox(), sandbox()]
  boxes.push(one, other)
  for (const box of [one, other]) {
    box.dvc('init', '-q')
    box.dvc('remote', 'add', '-q', '-d', 'near', '../near')
    box.dvc('remote', 'add', '-q', 'far', '../far')
    box.write('../far/kept', '')
    box.write('../near/kept', '')
    box.write('../source/a', '1')
    box.write('../source/folder/b', '2')
  }
  const cached = (box: Sandbox) =>
    existsSync(join(box.root, '.dvc/cache/files')) ? Object.keys(box.tree('.dvc/cache/files')) : []
  // dvc writes the new hashes under the old checksum of the file, and calls it changed ever after.
  const noted = (box: Sandbox, file: string) => box.read(file).replace(/^md5: .*\n/, '')
  const remotes = (box: Sandbox) =>
    ['near', 'far'].map((name) =>
      Object.keys(box.tree(`../${name}`)).filter((path) => !path.endsWith('.tmp')),
    )
  const same = async (args: string[], files: string[]) => {
    one.dvc(...args)
    expect(await runCommand(other.root, args)).toMatchObject({ code: 0, err: '' })
    for (const file of files) expect(noted(other, file)).toBe(noted(one, file))
    expect(remotes(other)).toEqual(remotes(one))
    expect(cached(other)).toEqual([])
  }
  await same(['import-url', '-q', '--to-remote', '../source/a'], ['a.dvc'])
  await same(['import-url', '-q', '--to-remote', '-r', 'far', '../source/folder'], ['folder.dvc'])
  for (const box of [one, other]) {
    box.write('../source/a', '3')
    box.write('../source/folder/c', '4')
  }
  await same(['update', '-q', '--to-remote', 'a.dvc', 'folder.dvc'], ['a.dvc', 'folder.dvc'])
  expect(other.tree('.')).not.toHaveProperty('a')
  await same(['update', '-q', '--to-remote', '-r', 'far', 'a.dvc'], ['a.dvc'])
  expect(JSON.parse(other.dvc('status', '--json'))).toEqual({
    'a.dvc': [{ 'changed outs': { a: 'not in cache' } }],
    'folder.dvc': [{ 'changed outs': { folder: 'not in cache' } }],
  })
  other.dvc('pull', '-q')
  expect(other.tree('folder')).toEqual({ b: '2', c: '4' })
  const refused = [
    ['-r', 'far', 'a.dvc'],
    ['--to-remote', '--no-download', 'a.dvc'],
    ['--to-remote', '-r', 'nowhere', 'a.dvc'],
  ]
  for (const args of refused) {
    expect(() => one.dvc('update', ...args)).toThrow('failed (1)')
    expect((await runCommand(other.root, ['update', ...args])).code).toBe(2)
  }
})

test('what was imported and is gone comes again by update, and what changed here stays', async () => {
  const box = sandbox()
  boxes.push(box)
  box.dvc('init', '-q')
  box.write('../source', '1')
  box.dvc('import-url', '-q', '../source', 'data')
  const update = async () =>
    expect((await runCommand(box.root, ['update', 'data.dvc'])).code).toBe(0)
  rmSync(join(box.root, 'data'))
  await update()
  expect(box.read('data')).toBe('1')
  rmSync(join(box.root, '.dvc/cache'), { recursive: true })
  rmSync(join(box.root, 'data'))
  await update()
  expect(box.read('data')).toBe('1')
  box.write('data', 'mine')
  await update()
  expect(box.read('data')).toBe('mine')
})

test('what is only noted is read and not kept, and what its place does not keep is pushed', async () => {
  const [one, other] = [sandbox(), sandbox()]
  boxes.push(one, other)
  for (const box of [one, other]) {
    box.dvc('init', '-q')
    box.write('../source/a', '1')
    box.write('../source/b/c', '2')
  }
  const cases = [
    ['--no-download', '../source', 'noted'],
    ['--no-download', '../source/a', 'file'],
    ['--version-aware', '../source/a', 'versioned'],
    ['../source/b', 'slash/'],
  ]
  for (const args of cases) {
    one.dvc('import-url', '-q', ...args)
    expect(await runCommand(other.root, ['import-url', '-q', ...args])).toMatchObject({
      code: 0,
      err: '',
    })
    const file = `${(args.at(-1) ?? '').replace('/', '')}.dvc`
    expect(other.read(file)).toBe(one.read(file))
    expect(existsSync(join(other.root, '.dvc/cache/files'))).toBe(
      existsSync(join(one.root, '.dvc/cache/files')),
    )
  }
  expect(other.tree('slash')).toEqual({ c: '2' })
})
