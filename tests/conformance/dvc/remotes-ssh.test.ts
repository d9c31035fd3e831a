import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorkspace } from '#app/project/workspace'
import { runCommand } from '../../support/command.ts'
import { freePort } from '../../support/process.ts'
import { emptied, projectWith, told } from './remotes-support.ts'
import { dvcEnvironment, treeOf, type Sandbox } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-ssh-'))
const known = join(folder, 'home/.ssh/known_hosts')
let port: number
let server: ChildProcess

beforeAll(async () => {
  port = await freePort()
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  writeFileSync(join(folder, 'authorized'), readFileSync(join(folder, 'user.pub')), { mode: 0o600 })
  mkdirSync(join(folder, 'home/.ssh'), { recursive: true })
  mkdirSync('/run/sshd', { recursive: true })
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host`,
    `AuthorizedKeysFile ${folder}/authorized`,
    `PidFile ${folder}/pid`,
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'Subsystem sftp internal-sftp',
  ]
  writeFileSync(join(folder, 'config'), `${settings.join('\n')}\n`)
  server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(folder, 'config')], { stdio: 'ignore' })
  for (let turn = 0; turn < 200 && !(await answers()); turn++) await sleep(50)
})

afterAll(() => {
  server.kill()
  rmSync(folder, { recursive: true, force: true })
})

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

function ours(box: Sandbox) {
  return openWorkspace(box.root, {
    variables: { ...dvcEnvironment(), HOME: join(folder, 'home'), SSH_AUTH_SOCK: undefined },
    environments: join(box.root, '..', 'environments'),
  })
}

test('dvc and orrery share data over SSH, with a host whose key is known', async () => {
  const box = projectWith({
    url: `ssh://${userInfo().username}@127.0.0.1:${port}${folder}/data`,
    keyfile: join(folder, 'user'),
    allow_agent: 'false',
  })
  try {
    await expect(ours(box).data.push()).rejects.toThrow(/host key of 127.0.0.1 .* is not known/)
    const [type, key] = readFileSync(join(folder, 'user.pub'), 'utf8').split(' ')
    writeFileSync(known, `[127.0.0.1]:${port} ${type} ${key}\n`)
    await expect(ours(box).data.push()).rejects.toThrow(/host key of 127.0.0.1 has changed/)
    rmSync(known)
    appendFileSync(known, `[127.0.0.1]:${port} ${readFileSync(join(folder, 'host.pub'), 'utf8')}`)

    const before = box.tree('data')
    const pushed = await told((moving) => ours(box).data.push([], moving))
    expect(pushed).toEqual({ objects: 5, failed: [] })
    emptied(box)
    box.dvc('pull', '-q')
    expect(box.tree('data')).toEqual(before)
    rmSync(join(folder, 'data'), { recursive: true })
    box.dvc('push', '-q')
    emptied(box)
    const pulled = await told((moving) => ours(box).data.pull([], moving))
    expect(pulled.fetched).toEqual({ objects: 5, failed: [] })
    expect(box.tree('data')).toEqual(before)
    expect(await ours(box).data.cloudStatus({})).toEqual([])

    // What nothing needs is put aside there, and comes back.
    const there = () => Object.keys(treeOf(join(folder, 'data'), '')).toSorted()
    const kept = there()
    box.write('data/one.txt', 'two\n')
    await ours(box).data.add(['data'])
    const { places } = await ours(box).upkeep.collect({ cloud: true }, {})
    expect(places?.[1]).toMatchObject({ objects: 2, failed: [] })
    const { findings } = await ours(box).upkeep.scrub({ remote: { name: undefined }, deep: true })
    expect(findings.map(({ fault, outcome }) => `${fault}, ${outcome.kind}`)).toEqual([
      'missing, mended',
      'missing, mended',
    ])
    expect(there()).toHaveLength(kept.length + 2)
    const undone = await ours(box).upkeep.undo({ cloud: true })
    expect(undone.places[1]).toMatchObject({ objects: 2 })
    expect(there()).toEqual(expect.arrayContaining(kept))
    expect(readdirSync(join(folder, 'data/orrery/trash'))).toEqual([])
  } finally {
    box.remove()
  }
})

test('hosts are called as the settings of SSH call them, and reached by the hosts on the way, as dvc does it', async () => {
  const box = projectWith({ url: `ssh://store${folder}/aliased`, allow_agent: 'false' })
  const settings = (more: string) =>
    [
      'Include own/*',
      'Host store',
      '  HostName 127.0.0.1',
      `  IdentityFile ${folder}/other`,
      `  IdentityFile ${folder}/user`,
      more,
      'Host gate*',
      '  HostName 127.0.0.1',
      `  IdentityFile ${folder}/user`,
      'Host *',
      `  Port ${port}`,
      `  User ${userInfo().username}`,
    ].join('\n')
  const config = join(folder, 'home/.ssh/config')
  const home = process.env['HOME']
  try {
    writeFileSync(known, `[127.0.0.1]:${port} ${readFileSync(join(folder, 'host.pub'), 'utf8')}`)
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'other')])
    process.env['HOME'] = join(folder, 'home')
    const before = box.tree('data')
    for (const way of [
      '',
      '  ProxyJump gate',
      `  ProxyJump gate,${userInfo().username}@gate2:${port}`,
    ]) {
      writeFileSync(config, settings(way))
      rmSync(join(folder, 'aliased'), { recursive: true, force: true })
      expect(await ours(box).data.push()).toEqual({ objects: 5, failed: [] })
      emptied(box)
      box.dvc('pull', '-q')
      rmSync(join(folder, 'aliased'), { recursive: true, force: true })
      box.dvc('push', '-q')
      emptied(box)
      expect((await ours(box).data.pull()).fetched).toEqual({ objects: 5, failed: [] })
      expect(box.tree('data')).toEqual(before)
    }
    // The host behind the first one refuses: the command ends, and nothing stays connected.
    writeFileSync(config, settings('  ProxyJump gate,gate:1'))
    const ended = await runCommand(box.root, ['push'], { HOME: join(folder, 'home') })
    expect(ended).toMatchObject({
      code: 2,
      err: expect.stringContaining('127.0.0.1:1 is not reached by way of its ProxyJump'),
    })
    writeFileSync(config, settings(''))
    const bare = ours(box)
    const path = process.env['PATH']
    process.env['PATH'] = join(folder, 'home')
    await expect(bare.data.push().finally(() => (process.env['PATH'] = path))).rejects.toThrow(
      /store:22 cannot be reached .*; .*config was not read, as that takes the program ssh/,
    )
    writeFileSync(config, settings('  ProxyCommand nc %h %p'))
    await expect(ours(box).data.push()).rejects.toThrow(/by a ProxyCommand, which is not run here/)
    writeFileSync(config, 'Host store\n  Port many\n')
    await expect(ours(box).data.push()).rejects.toThrow(
      /config cannot be read by OpenSSH: .*line 2/,
    )
  } finally {
    process.env['HOME'] = home
    rmSync(config, { force: true })
    box.remove()
  }
})
