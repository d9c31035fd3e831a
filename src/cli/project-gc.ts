import { Problem } from '#base/problem'
import { wordsOfUser, type GarbagePlan, type GarbageRequest, type PlacePlan } from '#data'
import { projectRootOf } from '#app/project/root'
import { agreed, isAnswered } from './ask.ts'
import { showProgress } from './progress.ts'
import { sizeOf } from './retention.ts'
import { say, type CalledIn } from './workspace.ts'

export function insideProject(): boolean {
  try {
    projectRootOf(process.cwd())
    return true
  } catch (error) {
    if (error instanceof Problem) return false
    throw error
  }
}

interface Flags {
  readonly dry: boolean
  readonly force: boolean
  readonly purge: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly json?: boolean | undefined
  readonly url?: string | undefined
  readonly home?: string | undefined
}

export async function collectInProject(
  here: CalledIn,
  asked: GarbageRequest,
  flags: Flags,
): Promise<void> {
  const { neededOnServer, serverAround } = await import('./needed-on-server.ts')
  const server = await serverAround(flags)
  const kept = server === undefined ? [] : await neededOnServer(server)
  if (!flags.dry && !flags.force && !isAnswered())
    throw new Problem(
      'invalid',
      'nobody can be asked here, so nothing was removed; look with --dry, then say --force',
    )
  const progress = showProgress('objects', flags)
  const speak = (lines: readonly string[]) => {
    if (!flags.quiet) for (const line of lines) process.stdout.write(`${line}\n`)
  }
  const { plan, places } = await here.upkeep.collect(
    { ...asked, kept },
    {
      dry: flags.dry,
      forGood: flags.force || isAnswered(),
      purge: flags.purge,
      onMoved: () => progress.add(1),
      ...(flags.force
        ? {}
        : {
            confirm: async (shown: GarbagePlan) => {
              const objects = shown.places.reduce((sum, { free }) => sum + free.length, 0)
              if (objects === 0 && !flags.purge) return true
              for (const line of planLines(shown, flags)) process.stderr.write(`${line}\n`)
              return agreed(questionOf(shown, flags))
            },
          }),
    },
  )
  progress.end()
  const json = { ...planJson(plan), removed: places ?? null }
  if (flags.json === true) process.stdout.write(`${JSON.stringify(json)}\n`)
  else if (places === undefined)
    speak(flags.dry ? planLines(plan, flags) : ['Nothing was removed.'])
  else
    speak([
      ...(flags.force ? planLines(plan, flags) : []),
      ...places.flatMap((place) => doneLines(place)),
    ])
  if (places?.some(({ failed }) => failed.length > 0) === true) process.exitCode = 1
}

export async function undoInProject(
  here: CalledIn,
  flags: {
    cloud: boolean
    remote?: string | undefined
    quiet: boolean
    json?: boolean | undefined
  },
): Promise<void> {
  const { places } = await here.upkeep.undo({
    cloud: flags.cloud,
    ...(flags.remote === undefined ? {} : { remote: flags.remote }),
  })
  if (flags.quiet) return
  say(
    { json: flags.json === true },
    { places },
    places.map(
      ({ name, objects, bytes, bag }) =>
        `${objects} objects (${sizeOf(bytes)}) are back in ${name}, as before ${new Date(bag.atMs).toISOString().slice(0, 19)}Z`,
    ),
  )
}

function questionOf({ places }: GarbagePlan, flags: Flags): string {
  const lasting = flags.purge || places.some(({ undoable, free }) => !undoable && free.length > 0)
  return lasting
    ? 'Remove them for good? This cannot be undone.'
    : 'Remove them? They can be brought back for seven days.'
}

/** What goes, by who used it last, and why the rest stays. */
function planLines(plan: GarbagePlan, flags: Flags): string[] {
  const lines = plan.places.flatMap((place) => placeLines(place, flags))
  for (const { revision, reason } of plan.skipped) lines.push(`passed over ${revision}: ${reason}`)
  if (plan.runsKept > 0)
    lines.push(
      `${plan.runsKept} runs of the run cache stay whole: their small outputs, which Git keeps, stay in the cache (dvc gc would break them)`,
    )
  if (plan.runsLost > 0)
    lines.push(
      `${plan.runsLost} runs of the run cache could not be brought back any more (--run-cache keeps them)`,
    )
  return lines
}

function placeLines({ shelf, free, stay, undoable }: PlacePlan, flags: Flags): string[] {
  const bytes = free.reduce((sum, { object }) => sum + object.sizeBytes, 0)
  const head =
    free.length === 0
      ? `Everything in ${shelf.name} is needed.`
      : `Nothing needs ${free.length} objects (${sizeOf(bytes)}) in ${shelf.name}${undoable ? '' : ', where removing cannot be undone'}:`
  return [
    head,
    ...freedGroups(free).map(
      ({ label, objects, bytes: size }) => `  ${label}: ${objects} objects, ${sizeOf(size)}`,
    ),
    ...(flags.verbose ? free.map(({ object }) => `    ${object.md5}`) : []),
    ...stay.map(
      ({ why, objects, bytes: size }) => `  stays, ${why}: ${objects} objects, ${sizeOf(size)}`,
    ),
  ]
}

function freedGroups(free: PlacePlan['free']) {
  const groups = new Map<
    string,
    { label: string; path?: string; owner?: string; by?: string; objects: number; bytes: number }
  >()
  for (const { object, lastUse } of free) {
    const label =
      lastUse === undefined
        ? 'no commit names them'
        : `${lastUse.path} (${lastUse.owner}), last used by ${wordsOfUser(lastUse.by)}`
    const group = groups.get(label) ?? {
      label,
      ...(lastUse === undefined
        ? {}
        : { path: lastUse.path, owner: lastUse.owner, by: wordsOfUser(lastUse.by) }),
      objects: 0,
      bytes: 0,
    }
    group.objects++
    group.bytes += object.sizeBytes
    groups.set(label, group)
  }
  return [...groups.values()].toSorted((one, other) => other.bytes - one.bytes)
}

function doneLines(place: {
  name: string
  objects: number
  bytes: number
  bag: string | undefined
  failed: readonly { md5: string; reason: string }[]
  purged: { objects: number; bytes: number }
}): string[] {
  const { name, objects, bytes, bag, failed, purged } = place
  const remote = /^the remote (.*)$/.exec(name)?.[1]
  const there = remote === undefined ? '' : ` --cloud --remote ${remote}`
  return [
    ...(objects === 0
      ? []
      : [
          bag === undefined
            ? `${objects} objects (${sizeOf(bytes)}) removed from ${name} for good`
            : `${objects} objects (${sizeOf(bytes)}) of ${name} put aside; \`orrery gc --undo${there}\` brings them back within seven days, \`orrery gc --workspace --purge${there}\` frees the disk now`,
        ]),
    ...(purged.objects === 0
      ? []
      : [
          `${purged.objects} objects (${sizeOf(purged.bytes)}) that had been put aside before are gone for good`,
        ]),
    ...failed.map(({ md5, reason }) => `failed  ${md5} of ${name}: ${reason}`),
  ]
}

function planJson(plan: GarbagePlan) {
  return {
    places: plan.places.map(({ shelf, undoable, free, stay }) => ({
      name: shelf.name,
      place: shelf.place,
      undoable,
      free: {
        objects: free.length,
        bytes: free.reduce((sum, { object }) => sum + object.sizeBytes, 0),
        by: freedGroups(free).map(({ path, owner, by, objects, bytes }) => ({
          path,
          owner,
          by,
          objects,
          bytes,
        })),
        names: free.map(({ object }) => object.md5),
      },
      stay,
    })),
    runsKept: plan.runsKept,
    runsLost: plan.runsLost,
    skipped: plan.skipped,
    unlisted: plan.unlisted.map(({ path, owner, by }) => ({ path, owner, by: wordsOfUser(by) })),
  }
}
