import { platformActor, type Follower } from '#ledger'
import { outputTracked } from './facts.ts'
import type { OutsideWrites } from './store.ts'

/** Leads versions of data that projects track back to the runs elsewhere that wrote it last. */
export const trackOutputs: Follower<{ outside: OutsideWrites }> = {
  name: 'elsewhere',
  types: ['dataset-version-added'],
  follow: async ({ data, atMs }, { outside, ledger }) => {
    const { project, path, md5 } = data
    if (typeof project !== 'string' || typeof path !== 'string' || typeof md5 !== 'string') return
    const home = { project, path }
    const written = (await outside.untracked(home)).filter((use) => use.atMs <= atMs)
    const [last] = written
    if (last === undefined) return
    // Earlier ones were overwritten before anybody tracked what they wrote.
    for (const use of written) await outside.saveUse({ ...use, isTracked: true })
    await ledger.append(platformActor('lineage'), [outputTracked(home, md5, last)])
  },
}
