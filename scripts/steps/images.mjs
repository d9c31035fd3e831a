import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { withLock } from './lock.mjs'
import { installSystemPackages } from './system.mjs'

const TOOLS = ['skopeo', 'umoci', 'docker-registry', 'runc', 'podman']

/** Sees to the tools that images are read, unpacked, kept and run with in tests. */
export async function testImageTools() {
  if (TOOLS.every(isOnPath)) return
  await withLock('images', () =>
    installSystemPackages(TOOLS, {
      why: `the tests of images need ${TOOLS.join(', ')}, and not all of them are on PATH`,
    }),
  )
}

function isOnPath(tool) {
  // Debian keeps runc where only root looks.
  const folders = `${process.env.PATH ?? ''}${delimiter}/usr/sbin`
    .split(delimiter)
    .filter((folder) => folder !== '')
  return folders.some((folder) => existsSync(join(folder, tool)))
}
