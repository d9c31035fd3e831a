import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { withLock } from './lock.mjs'
import { cache, root, workshop } from './places.mjs'
import { findNode } from './node.mjs'
import { sourcesDigest } from './sources.mjs'
import { run, step } from './step.mjs'

const web = join(root, 'web')
const built = join(web, 'dist')
const stamp = join(cache, 'web-built-from')

/** Builds the page into web/dist when its sources changed since the last time. */
export async function buildWeb() {
  if (!existsSync(join(web, 'index.html'))) return
  if (await isFresh()) return
  await withLock('web', async () => {
    const digest = await digestNow()
    if (await isFresh(digest)) return
    await step('the page (web/dist)', async () => {
      // A server may be answering from web/dist: it is replaced at once, not emptied and filled.
      const fresh = join(workshop, 'web')
      const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
      await run(
        findNode(),
        [vite, 'build', '--outDir', fresh, '--emptyOutDir', '--logLevel', 'warn'],
        { cwd: web },
      )
      await rm(built, { recursive: true, force: true })
      await rename(fresh, built)
      await mkdir(dirname(stamp), { recursive: true })
      await writeFile(stamp, digest)
    })
  })
}

async function isFresh(digest) {
  if (!existsSync(join(built, 'index.html')) || !existsSync(stamp)) return false
  return readFileSync(stamp, 'utf8') === (digest ?? (await digestNow()))
}

function digestNow() {
  return sourcesDigest({
    files: [join(root, 'package-lock.json')],
    folders: [web],
    without: [built],
  })
}
