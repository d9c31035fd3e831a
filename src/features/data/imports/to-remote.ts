import { Problem } from '#base/problem'
import type { Content } from '../content.ts'
import { sent } from '../transfer.ts'
import type { ImportDependencies } from './dependencies.ts'
import type { Imported, ImportIdentity } from './imported.ts'
import { kept, parentOf } from './parts.ts'

/** Sends what lies at an address now to a remote, and tells what it is; neither the cache nor the workspace gets it. */
export async function sentOn(
  { passage }: ImportDependencies,
  imported: Imported,
  { out, remote }: { out: string; remote: string },
): Promise<Imported & { content: Content; identity: ImportIdentity }> {
  const { from, settings = {}, push } = imported
  if (push === false)
    throw new Problem(
      'invalid',
      `${out} has its versions where it came from, and goes to no remote; leave --to-remote out`,
    )
  const way = await passage(remote === '' ? undefined : remote)
  try {
    const offered = await way.addresses.look(from, { folder: parentOf(out), settings })
    const { content } = await kept(way, await offered.take(), offered.kind)
    await sent(way, { path: out, content, source: from })
    return { ...imported, identity: await offered.identity(), content }
  } finally {
    await way.close()
  }
}
