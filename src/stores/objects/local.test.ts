import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { objectStoreSuite } from '#suites/objects'
import { openLocalObjects } from './local.ts'

describe('objects in a local folder', () => {
  objectStoreSuite(async () => openLocalObjects(await mkdtemp(join(tmpdir(), 'orrery-objects-'))))
})
