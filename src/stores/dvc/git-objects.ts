import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Socket } from 'node:net'
import { Problem } from '#base/problem'

export interface GitObject {
  readonly id: string
  readonly type: 'commit' | 'tree' | 'blob' | 'tag'
  readonly bytes: Buffer
}

/** Objects of a Git repository, all read by one `git cat-file` that waits for names. */
export interface GitObjects {
  /** What a name of Git's means: an id, `main^{commit}`, `HEAD:folder`. Undefined where it means nothing. */
  read(name: string): Promise<GitObject | undefined>
  close(): void
}

interface Asked {
  readonly resolve: (object: GitObject | undefined) => void
  readonly reject: (error: Error) => void
}

interface Reading {
  readonly child: ChildProcessWithoutNullStreams
  readonly asked: Asked[]
  ended(): boolean
}

/** Names go in by standard input, so none can be taken for an option. */
export function openGitObjects(folder: string): GitObjects {
  let reading: Reading | undefined
  const started = () => {
    if (reading === undefined || reading.ended()) reading = startReading(folder)
    return reading
  }
  return {
    read: async (name) => {
      if (/[\n\0]/.test(name) || name.startsWith('^')) return undefined
      const { child, asked } = started()
      return new Promise((resolve, reject) => {
        if (asked.length === 0) holdOpen(child, true)
        asked.push({ resolve, reject })
        child.stdin.write(`${name}\n`)
      })
    },
    close: () => {
      reading?.child.stdin.end()
      reading = undefined
    },
  }
}

function startReading(folder: string): Reading {
  const child = spawn('git', ['cat-file', '--batch'], { cwd: folder, stdio: 'pipe' })
  const asked: Asked[] = []
  const answer = (object: GitObject | undefined) => {
    asked.shift()?.resolve(object)
    if (asked.length === 0) holdOpen(child, false)
  }
  const take = answerReader(answer)
  let words = ''
  child.stdout.on('data', take)
  child.stderr.on('data', (chunk: Buffer) => (words = `${words}${chunk.toString()}`.slice(-2000)))
  let ended = false
  const end = (why: string) => {
    ended = true
    for (const { reject } of asked.splice(0))
      reject(new Problem('unavailable', `Git could not be read: ${why.trim()}`))
  }
  // Writing to a process that has ended is told by its end.
  child.stdin.on('error', () => {})
  child.on('error', (error) => {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    end(isMissing ? 'git was not found; install it' : error.message)
  })
  child.on('close', (code) => end(words === '' ? `git ended with ${code ?? 'a signal'}` : words))
  return { child, asked, ended: () => ended }
}

/** A process that nobody waits for must not keep this one from ending. */
function holdOpen(child: ChildProcessWithoutNullStreams, hold: boolean): void {
  const streams = [child.stdin, child.stdout, child.stderr] as unknown as Socket[]
  for (const each of [child, ...streams]) {
    if (hold) each.ref()
    else each.unref()
  }
}

/** Takes the answers apart: a line `ID TYPE SIZE`, then so many bytes and a line end; another line is a no. */
function answerReader(answer: (object: GitObject | undefined) => void): (chunk: Buffer) => void {
  let kept: Buffer[] = []
  let keptBytes = 0
  let wantedBytes = 1
  return (chunk) => {
    kept.push(chunk)
    keptBytes += chunk.length
    // A large object comes in many pieces, which are joined once.
    if (keptBytes < wantedBytes) return
    let rest = kept.length === 1 ? chunk : Buffer.concat(kept)
    for (;;) {
      const next = answerIn(rest)
      wantedBytes = next.wantedBytes
      if (next.rest === undefined) break
      answer(next.object)
      rest = next.rest
    }
    kept = rest.length === 0 ? [] : [rest]
    keptBytes = rest.length
  }
}

interface Taken {
  readonly object: GitObject | undefined
  /** Undefined as long as the answer is not all there. */
  readonly rest: Buffer | undefined
  readonly wantedBytes: number
}

function answerIn(bytes: Buffer): Taken {
  const end = bytes.indexOf(0x0a)
  if (end < 0) return { object: undefined, rest: undefined, wantedBytes: bytes.length + 1 }
  const header = bytes.toString('utf8', 0, end)
  const [, id = '', type = '', size = ''] =
    /^([0-9a-f]{40}|[0-9a-f]{64}) (commit|tree|blob|tag) (\d+)$/.exec(header) ?? []
  if (id === '') return { object: undefined, rest: bytes.subarray(end + 1), wantedBytes: 1 }
  const start = end + 1
  const stop = start + Number(size)
  if (bytes.length < stop + 1) return { object: undefined, rest: undefined, wantedBytes: stop + 1 }
  const object = { id, type: type as GitObject['type'], bytes: bytes.subarray(start, stop) }
  return { object, rest: bytes.subarray(stop + 1), wantedBytes: 1 }
}
