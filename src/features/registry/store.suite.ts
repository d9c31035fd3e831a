import { expect, test } from 'vitest'
import type { Transact } from '#ledger'
import { NO_DESCRIPTION } from './description.ts'
import { PROMPT_TAG } from './model.ts'
import type { StoredVersion } from './model.ts'
import type { RegistryReads, RegistryWrites } from './store.ts'

interface Store {
  readonly read: RegistryReads
  readonly transact: Transact<{ registry: RegistryWrites }>
}

/** The laws of every store of registered models. */
export function registryStoreSuite(openStore: () => Promise<Store>): void {
  const withModel = async () => {
    const store = await openStore()
    await store.transact(async ({ registry }) => {
      await registry.insertModel({ name: 'late', note: '', createdMs: 1, updatedMs: 1 })
      for (const version of [1, 2]) {
        expect(await registry.nextVersion('late')).toBe(version)
        await registry.insertVersion(stored(version), [
          { path: 'MLmodel', digest: `d${version}`, sizeBytes: 9 },
        ])
      }
      await registry.setModelTags('late', [{ key: 'team', value: 'air' }])
      await registry.setVersionTags('late', 2, [{ key: 'auc', value: '0.7' }])
      await registry.setAlias('late', 'champion', 1)
      await registry.setAlias('late', 'champion', 2)
    })
    return store
  }

  test('a version is read back whole, by number and by alias', async () => {
    const { read } = await withModel()
    const second = { ...stored(2), tags: [{ key: 'auc', value: '0.7' }], aliases: ['champion'] }
    expect(await read.findVersion('late', 2)).toEqual(second)
    expect(await read.findVersionByAlias('late', 'champion')).toEqual(second)
    expect(await read.findVersionByAlias('late', 'other')).toBeUndefined()
    expect(await read.files('late', 2)).toEqual([{ path: 'MLmodel', digest: 'd2', sizeBytes: 9 }])
    expect(await read.findModel('late')).toEqual({
      name: 'late',
      note: '',
      createdMs: 1,
      updatedMs: 1,
      tags: [{ key: 'team', value: 'air' }],
      aliases: [{ alias: 'champion', version: 2 }],
    })
  })

  test('a new name takes everything along', async () => {
    const { read, transact } = await withModel()
    await transact(({ registry }) => registry.renameModel('late', 'later'))
    expect(await read.findModel('late')).toBeUndefined()
    expect(await read.findVersionByAlias('later', 'champion')).toMatchObject({
      version: 2,
      tags: [{ key: 'auc', value: '0.7' }],
    })
    expect(await read.files('later', 1)).toHaveLength(1)
  })

  test('a deleted version takes its aliases along, and its number is not given again', async () => {
    const { read, transact } = await withModel()
    await transact(({ registry }) => registry.deleteVersion('late', 2))
    expect(await read.findVersion('late', 2)).toBeUndefined()
    expect((await read.findModel('late'))?.aliases).toEqual([])
    expect(await read.files('late', 2)).toEqual([])
    expect(await transact(({ registry }) => registry.nextVersion('late'))).toBe(3)
  })

  test('a deleted model leaves nothing behind', async () => {
    const { read, transact } = await withModel()
    await transact(async ({ registry }) => {
      await registry.deleteModel('late')
      await registry.insertModel({ name: 'late', note: '', createdMs: 2, updatedMs: 2 })
    })
    expect(await read.findModel('late')).toMatchObject({ tags: [], aliases: [] })
    expect(await read.newestOfStages(['late'])).toEqual([])
  })

  test('the newest version of each stage is known', async () => {
    const { read, transact } = await withModel()
    await transact(({ registry }) => registry.saveVersion({ ...stored(1), stage: 'production' }))
    const newest = await read.newestOfStages(['late', 'absent'])
    expect(newest.map(({ version, stage }) => [version, stage])).toEqual([
      [2, 'none'],
      [1, 'production'],
    ])
  })

  test('prompts and models are searched apart', async () => {
    const { read, transact } = await withModel()
    await transact(async ({ registry }) => {
      await registry.insertModel({ name: 'hello', note: '', createdMs: 1, updatedMs: 1 })
      await registry.setModelTags('hello', [{ key: PROMPT_TAG, value: 'true' }])
    })
    const search = { conditions: [], order: [], limit: 10 } as const
    const names = async (kind: 'model' | 'prompt') =>
      (await read.searchModels({ ...search, kind })).map(({ item }) => item.name)
    expect(await names('model')).toEqual(['late'])
    expect(await names('prompt')).toEqual(['hello'])
  })

  test('versions are found by run and tag, the last changed first', async () => {
    const { read } = await withModel()
    const search = { kind: 'model', order: [], limit: 10 } as const
    const all = await read.searchVersions({ ...search, conditions: [] })
    expect(all.map(({ item }) => item.version)).toEqual([2, 1])
    const field = { of: 'attribute', name: 'runId' } as const
    const ofRun = await read.searchVersions({
      ...search,
      conditions: [{ field, comparator: 'in', value: ['r1'] }],
    })
    expect(ofRun.map(({ item }) => item.version)).toEqual([1])
    const tagged = await read.searchVersions({
      ...search,
      conditions: [{ field: { of: 'tag', key: 'auc' }, comparator: '=', value: '0.7' }],
    })
    expect(tagged.map(({ item }) => item.version)).toEqual([2])
  })
}

function stored(version: number): StoredVersion {
  return {
    model: 'late',
    version,
    source: `runs:/r${version}/model`,
    location: `mlflow-artifacts:/1/r${version}/artifacts/model`,
    runId: `r${version}`,
    runLink: null,
    loggedModelId: null,
    digest: null,
    description: NO_DESCRIPTION,
    stage: 'none',
    note: '',
    createdMs: version,
    updatedMs: version,
  }
}
