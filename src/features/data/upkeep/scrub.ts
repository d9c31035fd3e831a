import { messageOf } from '#base/problem'
import { listsOn, openReferences, type References } from './references.ts'
import { addNeeded, type Skipped } from './needed.ts'
import { mendCache, mendRemote } from './mend.ts'
import {
  startScrubbing,
  type Finding,
  type Scrubbed,
  type Scrubbing,
  type ScrubRequest,
} from './scrubbing.ts'
import { keyOf, type Lying, type Shelf } from './shelf.ts'
import { exclusively } from '../store.ts'
import type { UpkeepDependencies } from './dependencies.ts'

export async function scrubbed(
  dependencies: UpkeepDependencies,
  request: ScrubRequest,
): Promise<Scrubbed> {
  return exclusively(dependencies.locks, async () => {
    const { shelf } = dependencies
    const remote =
      request.remote === undefined
        ? undefined
        : { name: request.remote.name, shelf: await dependencies.shelfOf(request.remote.name) }
    const scrubbing = startScrubbing(dependencies, request)
    const skipped: Skipped[] = []
    const checked = [await scrubShelf(scrubbing, shelf)]
    const needed = () => references(scrubbing, { remote: remote?.shelf, skipped })
    const { notHere } = await mendCache(scrubbing, needed, remote)
    if (remote !== undefined) {
      const { references: now } = await needed()
      checked.push(await mendRemote(scrubbing, now, remote))
    }
    const runsLost = await scrubRuns(scrubbing)
    await findBrokenLinks(scrubbing)
    const { findings } = scrubbing
    return {
      checked,
      findings,
      broken: findings.some(
        ({ outcome }) => outcome.kind === 'broken' || outcome.kind === 'untouched',
      ),
      notHere,
      runsLost,
      skipped,
    }
  })
}

/** Who needs what. The lists of folders count only where their bytes are right. */
async function references(
  { dependencies, request }: Scrubbing,
  from: { remote: Shelf | undefined; skipped: Skipped[] },
): Promise<{ references: References; refused: Set<string> }> {
  const refused = new Set<string>()
  const shelves = [dependencies.shelf, ...(from.remote === undefined ? [] : [from.remote])]
  const found = openReferences(
    listsOn(shelves, dependencies.readList, (_, folder, why) => {
      if (why === 'refused') refused.add(keyOf(folder))
    }),
    { parts: true },
  )
  from.skipped.length = 0
  await addNeeded(dependencies, { request, references: found, skipped: from.skipped })
  return { references: found, refused }
}

/** Reads every object, and everything that lies among them. */
async function scrubShelf(scrubbing: Scrubbing, shelf: Shelf) {
  const { dependencies, request, findings } = scrubbing
  const sum = { place: shelf.name, objects: 0, bytes: 0 }
  let batch: Lying[] = []
  const check = async () => {
    const wrong = new Set((await shelf.wrongAmong(batch)).map(keyOf))
    for (const object of batch) {
      if (wrong.has(keyOf(object))) scrubbing.damaged.set(keyOf(object), object)
      else if (!object.trusted) findings.push(await trusted(scrubbing, shelf, object))
      sum.bytes += object.sizeBytes
      request.onChecked?.(1, object.sizeBytes)
    }
    sum.objects += batch.length
    batch = []
  }
  for await (const object of shelf.objects()) {
    batch.push(object)
    if (batch.length === AT_ONCE) await check()
  }
  await check()
  // Whoever copies at this moment, in another project, has a temporary file there.
  for (const path of await shelf.strays(dependencies.nowMs() - STRAY_MS))
    findings.push(await strayFinding(scrubbing, shelf, path))
  return sum
}

/** Objects that are read between two words on how far it has come. */
const AT_ONCE = 1000

async function trusted({ request }: Scrubbing, shelf: Shelf, object: Lying): Promise<Finding> {
  const about = {
    place: shelf.name,
    fault: 'unprotected' as const,
    name: object.md5,
    neededBy: undefined,
  }
  if (request.dry === true) return { ...about, outcome: { kind: 'untouched' } }
  try {
    await shelf.trust(object)
    return { ...about, outcome: { kind: 'mended', how: 'made read-only' } }
  } catch (error) {
    return { ...about, outcome: { kind: 'broken', why: messageOf(error) } }
  }
}

const STRAY_MS = 24 * 3600 * 1000

async function strayFinding(
  { request, aside }: Scrubbing,
  shelf: Shelf,
  name: string,
): Promise<Finding> {
  const about = { place: shelf.name, fault: 'stray' as const, name, neededBy: undefined }
  if (request.dry === true) return { ...about, outcome: { kind: 'untouched' } }
  const bag = await aside(shelf)
  if (bag === undefined)
    return { ...about, outcome: { kind: 'broken', why: `${shelf.name} cannot put it aside` } }
  await shelf.trash?.putStray(bag, name)
  return { ...about, outcome: { kind: 'put aside' } }
}

async function scrubRuns(scrubbing: Scrubbing): Promise<number> {
  const { dependencies, findings } = scrubbing
  let lost = 0
  for await (const run of dependencies.runs.all()) {
    if (!run.right) findings.push(await strayFinding(scrubbing, dependencies.shelf, run.name))
    else if (!run.whole) lost++
  }
  return lost
}

async function findBrokenLinks({ dependencies, findings }: Scrubbing): Promise<void> {
  for (const out of await dependencies.allOuts())
    for (const name of await dependencies.brokenLinks(out.path))
      findings.push({
        place: 'the workspace',
        fault: 'broken link',
        name,
        neededBy: undefined,
        outcome: {
          kind: 'broken',
          why: `it leads to an object that is not there; \`orrery pull ${out.path}\` fetches it`,
        },
      })
}
