import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { movingSteps, type DataStep, type Moving } from '#data'
import { ours, sandbox, type Sandbox } from './support.ts'

/** A project with a folder and a file that dvc tracks, and a remote of these settings. */
export function projectWith(remote: Readonly<Record<string, string>>): Sandbox {
  const box = sandbox()
  box.dvc('init', '-q')
  box.write('data/one.txt', 'one\n')
  box.write('data/sub/zwei ü.txt', 'zwei\n')
  box.write('data/empty', '')
  box.write('model.bin', Buffer.alloc(300_000, 7))
  box.dvc('add', '-q', 'data', 'model.bin')
  setRemote(box, remote)
  return box
}

export function setRemote(box: Sandbox, remote: Readonly<Record<string, string>>): void {
  const lines = Object.entries(remote).map(([name, value]) => `    ${name} = ${value}`)
  box.write('.dvc/config', `[core]\n    remote = it\n['remote "it"']\n${lines.join('\n')}\n`)
}

/** Forgets everything but what the remote has. */
export function emptied(box: Sandbox): void {
  for (const path of ['data', 'model.bin', '.dvc/cache'])
    rmSync(join(box.root, path), { recursive: true, force: true })
}

/** What one tool pushes the other pulls, both ways; gives what then differs between here and there. */
export async function exchanged(remote: {
  readonly first: Readonly<Record<string, string>>
  readonly second: Readonly<Record<string, string>>
}): Promise<string[]> {
  const box = projectWith(remote.first)
  try {
    const before = box.tree('data')
    const pushed = await told((moving) => ours(box).data.push([], moving))
    expect(pushed).toEqual({ objects: 5, failed: [] })
    expect(await ours(box).data.push()).toEqual({ objects: 0, failed: [] })
    emptied(box)
    box.dvc('pull', '-q')
    expect(box.tree('data')).toEqual(before)
    expect(box.dvc('status', '-c')).toContain('in sync')

    setRemote(box, remote.second)
    box.dvc('push', '-q')
    emptied(box)
    const pulled = await told((moving) => ours(box).data.pull([], moving))
    expect([pulled.fetched, pulled.checkout.failed]).toEqual([{ objects: 5, failed: [] }, []])
    expect(box.tree('data')).toEqual(before)
    expect(box.dvc('status')).toContain('up to date')
    return (await ours(box).data.cloudStatus({})).map(({ path }) => path)
  } finally {
    box.remove()
  }
}

/** Sees to it that every byte is told of, and how many there are in all. */
export async function told<T>(work: (moving: Moving) => Promise<T>): Promise<T> {
  const sum = { files: 0, sizeBytes: 0 }
  let last: DataStep | undefined
  const result = await work(
    movingSteps('sent', (step) => {
      last = step
      sum.files += step.files
      sum.sizeBytes += step.sizeBytes
    }),
  )
  expect(sum.sizeBytes).toBeGreaterThan(300_000)
  expect({ ofFiles: sum.files, ofBytes: sum.sizeBytes }).toMatchObject({
    ofFiles: 5,
    ofBytes: last?.ofBytes,
  })
  return result
}

/** A web server over a folder that takes uploads, as people set up for data. */
export async function startWeb(
  login?: { user: string; password: string },
  /** A folder with `key.pem` and `cert.pem`: the server speaks TLS. */
  identity?: string,
  /** The login is by digest, with this algorithm. */
  digest?: string,
) {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-web-'))
  const program = join(import.meta.dirname, 'remotes-web.ts')
  const named = login === undefined ? '' : `${login.user}:${login.password}`
  const words = [named, identity ?? '', digest ?? '']
  const child = spawn(process.execPath, [program, folder, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    url: `${identity === undefined ? 'http' : 'https'}://127.0.0.1:${port.toString().trim()}`,
    folder,
    stop: async () => {
      child.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Whether nothing but whole objects is in the cache. */
export async function isClean(box: Sandbox): Promise<boolean> {
  const files = await readdir(join(box.root, '.dvc/cache'), { recursive: true }).catch(() => [])
  return files.every((path) => !path.includes('orrery'))
}
