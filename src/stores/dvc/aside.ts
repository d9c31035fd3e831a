import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomIds } from '#base/ids'
import type { OutsAside } from '#stages'
import { replaceFile } from './atomic.ts'
import { isRunning, processStarted } from './processes.ts'

interface Journal {
  readonly stage: string
  readonly lockToken: string
  readonly owner: Process
  readonly outs: readonly AsideOut[]
}

interface Process {
  readonly pid: number
  readonly started: string | undefined
}

interface AsideOut {
  readonly path: string
  /** Undefined where nothing was. */
  readonly aside: string | undefined
}

const JOURNAL = 'journal.json'
const GROUP = 'group.json'
const DROPPED = '.dropped'

/**
 * Moves a stage's old outs out of its way by renaming, which takes no time whatever their size. A
 * journal, written first, tells the next process what to undo when this one is killed.
 */
export function openOutsAside(root: string, folder: string): OutsAside {
  return {
    setAside: async (stage, paths, lockToken) => {
      const place = join(folder, randomIds.ulid())
      mkdirSync(place, { recursive: true })
      const outs = paths.map((path, index) => ({
        path,
        aside: isThere(join(root, path)) ? asideFor(root, { path, place, index }) : undefined,
      }))
      const owner = { pid: process.pid, started: processStarted(process.pid) }
      const journal: Journal = { stage, lockToken, owner, outs }
      // A power failure must not lose where the old outs are; where there are none, nothing is lost.
      const sync = outs.some(({ aside }) => aside !== undefined)
      replaceFile(join(place, JOURNAL), JSON.stringify(journal), { sync })
      for (const out of outs)
        if (out.aside !== undefined) renameSync(join(root, out.path), out.aside)
      return {
        drop: async () => drop(place, outs),
        putBack: async () => putBack(root, place, outs),
        // For whoever comes after a kill; a power failure ends the processes as well. Half of it is as good as
        // none: the command begins when it is there.
        runningAs: (pid) =>
          writeFileSync(join(place, GROUP), JSON.stringify({ pid, started: processStarted(pid) })),
      }
    },
    recover: async (lockTokenOf) => {
      const undone: string[] = []
      for (const place of placesIn(folder)) {
        const journal = readJson(join(place, JOURNAL)) as Journal | undefined
        if (journal === undefined) {
          rmSync(place, { recursive: true, force: true })
          continue
        }
        if (
          isRunning(journal.owner.pid, journal.owner.started) &&
          journal.owner.pid !== process.pid
        )
          continue
        await endGroup(readJson(join(place, GROUP)) as Process | undefined)
        if (lockTokenOf(journal.stage) === journal.lockToken) {
          putBack(root, place, journal.outs)
          undone.push(journal.stage)
        } else drop(place, journal.outs)
      }
      return undone
    },
  }
}

/** In the project's own folder, or beside the out where that is on another disk: only there a rename reaches. */
function asideFor(root: string, at: { path: string; place: string; index: number }): string {
  const out = join(root, at.path)
  return lstatSync(out).dev === statSync(at.place).dev
    ? join(at.place, String(at.index))
    : join(dirname(out), `.${basename(out)}.${basename(at.place)}.orrery`)
}

/** Also a link to nothing is something to be put back. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function drop(place: string, outs: readonly AsideOut[]): void {
  // Renamed first: from here on nobody would put the old outs back.
  renameSync(place, `${place}${DROPPED}`)
  for (const { aside } of outs)
    if (aside !== undefined && !aside.startsWith(`${place}/`))
      rmSync(aside, { recursive: true, force: true })
  rmSync(`${place}${DROPPED}`, { recursive: true, force: true })
}

function putBack(root: string, place: string, outs: readonly AsideOut[]): void {
  for (const { path, aside } of outs) {
    // Where nothing is aside, the old out had not been moved yet, or is back already.
    if (aside !== undefined && !isThere(aside)) continue
    rmSync(join(root, path), { recursive: true, force: true })
    if (aside === undefined) continue
    mkdirSync(dirname(join(root, path)), { recursive: true })
    renameSync(aside, join(root, path))
  }
  rmSync(place, { recursive: true, force: true })
}

function placesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder)
  for (const name of names.filter((each) => each.endsWith(DROPPED)))
    rmSync(join(folder, name), { recursive: true, force: true })
  return names.filter((name) => !name.endsWith(DROPPED)).map((name) => join(folder, name))
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** Ends the processes that a killed run left: they still write to the outs. */
async function endGroup(group: Process | undefined): Promise<void> {
  if (group === undefined || !isRunning(group.pid, group.started)) return
  try {
    process.kill(-group.pid, 'SIGKILL')
  } catch {
    // It ended by itself.
    return
  }
  for (let tries = 0; tries < 100 && isRunning(group.pid, group.started); tries++) await sleep(20)
}
