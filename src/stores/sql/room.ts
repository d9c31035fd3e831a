import { AsyncLocalStorage } from 'node:async_hooks'
import { open, rm, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Problem } from '#base/problem'

// On a full disk nothing can be written, not even that something is deleted. So a file without meaning
// keeps some of it: when the disk is full the file goes, and its space is for what frees more, and for a start.

const BALLAST_BYTES = 16 << 20
const PIECE = Buffer.alloc(1 << 20)
const LOOK_MS = 2000

/** The space that a database file has on its disk. */
export interface Room {
  /** Throws `full` for work that someone asks for who frees nothing, as long as the disk is full. */
  assertRoom(): void
  isFull(): boolean
  /** The disk has taken no more. */
  ranOut(): void
  close(): Promise<void>
}

const asked = new AsyncLocalStorage<{ frees: boolean }>()

/** Runs what somebody asked for. What the server does by itself is not asked for, and goes on while there is any space. */
export function asAsked<T>(request: { frees: boolean }, work: () => T): T {
  return asked.run(request, work)
}

/** Keeps ballast beside a database file, gives it up when the disk is full, and takes it again when there is space. */
export async function openRoom(file: string): Promise<Room> {
  const ballast = `${file}.ballast`
  const sizeOf = () =>
    stat(ballast).then(
      ({ size }) => size,
      () => 0,
    )
  let isHeld = (await sizeOf()) === BALLAST_BYTES
  let isFull = false
  let doing = Promise.resolve()

  const drop = async () => {
    isHeld = false
    await rm(ballast, { force: true })
  }
  const look = async () => {
    if (isHeld || (await freeBytes(file)) < 2 * BALLAST_BYTES) return
    isHeld = await filled(ballast)
    isFull = false
  }
  const ranOut = () => {
    if (!isHeld) return
    isFull = true
    doing = doing.then(drop)
  }

  // A server that was ended by a full disk must be able to start on it.
  if ((await freeBytes(file)) < BALLAST_BYTES) {
    isFull = true
    await drop()
  }
  // A moment later, so that no start waits for it.
  const timer = setInterval(() => (doing = doing.then(look)), LOOK_MS).unref()
  return {
    assertRoom: () => {
      if (isFull && asked.getStore()?.frees === false)
        throw new Problem(
          'full',
          `the disk of ${file} is full, so nothing was written; until ${2 * (BALLAST_BYTES >> 20)} MiB are free only reads and deletions are taken: free some space, then send it again`,
        )
    },
    isFull: () => isFull,
    ranOut,
    close: async () => {
      clearInterval(timer)
      await doing
    },
  }
}

/** Far more than needed where nobody can say. */
async function freeBytes(file: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(dirname(file))
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Fills the file with space of its own, and says whether that could be done; where it cannot, there is none. */
async function filled(ballast: string): Promise<boolean> {
  try {
    const handle = await open(ballast, 'w')
    try {
      for (let bytes = 0; bytes < BALLAST_BYTES; bytes += PIECE.length)
        await handle.writeFile(PIECE)
    } finally {
      await handle.close()
    }
    return true
  } catch {
    // The disk has other limits than its size; it does without.
    await rm(ballast, { force: true }).catch(() => undefined)
    return false
  }
}
