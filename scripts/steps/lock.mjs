import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { workshop } from './places.mjs'

// A lock is a folder with a file for each process that works under it, named by its number.

const POLL_MS = 300
const held = new Set()
const lastTurns = new Map()

/**
 * Does `work` while nobody else holds the lock of that name, neither in this process nor in another; a lock whose processes
 * died is taken over.
 */
export function withLock(name, work) {
  const before = lastTurns.get(name) ?? Promise.resolve()
  const turn = before.then(() => amongProcesses(name, work))
  // Whoever comes next waits for the end of it, however it ends; who asked for it hears of a failure.
  lastTurns.set(
    name,
    turn.then(
      () => undefined,
      () => undefined,
    ),
  )
  return turn
}

async function amongProcesses(name, work) {
  const lock = join(workshop, `${name}.lock`)
  await waitFor(lock, name)
  held.add(lock)
  try {
    return await work()
  } finally {
    held.delete(lock)
    await rm(lock, { recursive: true, force: true })
  }
}

/** Keeps this process's locks for as long as that tool runs too: it may outlive a setup that was killed. */
export function holdFor(tool) {
  for (const lock of held) writeFileSync(join(lock, String(tool.pid)), '')
}

async function waitFor(lock, name) {
  let told = false
  while (!(await take(lock))) {
    const holders = await holdersOf(lock)
    if (holders.length > 0 && !holders.some(isAlive)) {
      await discard(lock)
      continue
    }
    if (!told)
      console.error(`setup: ${name}: waiting for another setup (process ${holders.join(', ')})`)
    told = true
    await sleep(POLL_MS)
  }
}

// The folder appears with its holder in it: renaming is atomic, and refused over a folder that is not empty.
async function take(lock) {
  const prepared = `${lock}.${process.pid}`
  await mkdir(prepared, { recursive: true })
  await writeFile(join(prepared, String(process.pid)), '')
  try {
    await rename(prepared, lock)
    return true
  } catch (error) {
    await rm(prepared, { recursive: true, force: true })
    if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return false
    throw error
  }
}

async function holdersOf(lock) {
  return (await readdir(lock).catch(() => [])).map(Number)
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

// Two waiters may find the same dead holders; the later one may move a living lock, and puts it back.
async function discard(lock) {
  const aside = `${lock}.dead.${process.pid}`
  const moved = await rename(lock, aside).then(
    () => true,
    () => false,
  )
  if (!moved) return
  if ((await holdersOf(aside)).some(isAlive))
    await rename(aside, lock).catch(() => rm(aside, { recursive: true, force: true }))
  else await rm(aside, { recursive: true, force: true })
}
