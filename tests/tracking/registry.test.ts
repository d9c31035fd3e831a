import { afterEach, beforeEach, expect, test } from 'vitest'
import { Problem } from '#base/problem'
import { sha256 } from '#base/digest'
import type { AliasGuard } from '#registry'
import { treeDigest } from '#tracking'
import { openTracking, USER, type TrackingWorld } from '../support/tracking.ts'

const GUARD: AliasGuard = {
  check: async (model, alias) => {
    if (alias === 'champion')
      throw new Problem(
        'conflict',
        `champion of ${model} is protected; run: orrery promote ${model}/N@champion`,
      )
  },
}
const MLMODEL = `flavors: {onnx: {data: model.onnx}}
signature: {inputs: '[{"type": "double", "name": "a"}]', outputs: '[]'}`

let world: TrackingWorld
beforeEach(async () => {
  world = await openTracking(GUARD)
})
afterEach(() => world.close())

/** A run that has logged a model of two files. */
async function loggedModel() {
  const { tracking } = world
  const { runId } = await tracking.startRun(USER, {})
  const { modelId } = await tracking.loggedModels.create({
    experimentId: '0',
    name: 'model',
    sourceRunId: runId,
  })
  await tracking.logOutputs(runId, [{ modelId, step: 0 }])
  const root = await tracking.artifacts.rootOf({ model: modelId })
  await tracking.artifacts.put(`${root}/MLmodel`, Buffer.from(MLMODEL))
  await tracking.artifacts.put(`${root}/model.onnx`, Buffer.from('weights'))
  await tracking.loggedModels.setStatus(USER, modelId, 'ready')
  return { runId, modelId, root }
}

async function registered(source?: string) {
  const logged = await loggedModel()
  await world.registry.models.create(USER, { name: 'late' })
  const version = await world.registry.registerVersion(USER, {
    model: 'late',
    source: source ?? `models:/${logged.modelId}`,
  })
  return { ...logged, version }
}

test('a version knows its run, its digest and what it takes, and the ledger links it to its run', async () => {
  const { runId, modelId, version } = await registered()
  const digest = treeDigest([
    { path: 'MLmodel', digest: sha256(MLMODEL), sizeBytes: 0 },
    { path: 'model.onnx', digest: sha256('weights'), sizeBytes: 0 },
  ])
  expect(version).toMatchObject({
    version: 1,
    runId,
    loggedModelId: modelId,
    digest,
    description: { onnx: { path: 'model.onnx' }, flavors: ['onnx'] },
  })
  const [told] = await world.facts('model-version-registered')
  expect(told).toMatchObject({
    data: {
      model: 'late',
      version: 1,
      run: runId,
      loggedModel: modelId,
      digest,
      signature: { inputs: 'a: double' },
    },
    edges: [
      {
        from: { kind: 'model-version', id: 'late/1' },
        relation: 'logged-by',
        to: { kind: 'run', id: runId },
      },
    ],
  })
  const { tags } = await world.tracking.loggedModels.get(modelId)
  expect(JSON.parse(tags[0]?.value ?? '')).toEqual([{ name: 'late', version: 1 }])
})

test('what is done to the files of a logged model later does not touch the version', async () => {
  const { root, version } = await registered()
  const before = await world.registry.files('late', 1)
  await world.tracking.artifacts.put(`${root}/model.onnx`, Buffer.from('other weights'))
  await world.tracking.artifacts.delete(USER, `${root}/MLmodel`)
  expect(await world.registry.files('late', 1)).toEqual(before)
  expect(treeDigest(before)).toBe(version.digest)
})

test('a version can be made from the run that logged the model, and copied under another name', async () => {
  const { runId, modelId, version } = await registered()
  const byRun = await world.registry.registerVersion(USER, {
    model: 'late',
    source: `runs:/${runId}/model`,
  })
  expect(byRun).toMatchObject({ version: 2, loggedModelId: modelId, digest: version.digest })
  await world.registry.models.create(USER, { name: 'copy' })
  const copy = await world.registry.registerVersion(USER, {
    model: 'copy',
    source: 'models:/late/1',
  })
  expect(copy).toMatchObject({
    source: 'models:/late/1',
    runId,
    digest: version.digest,
    location: version.location,
  })
  expect(await world.registry.files('copy', 1)).toEqual(await world.registry.files('late', 1))
})

test('many registrations at once get numbers of their own', async () => {
  const { modelId } = await registered()
  const source = `models:/${modelId}`
  const versions = await Promise.all(
    Array.from({ length: 6 }, () =>
      world.registry.registerVersion(USER, { model: 'late', source }),
    ),
  )
  expect(new Set(versions.map(({ version }) => version))).toEqual(new Set([2, 3, 4, 5, 6, 7]))
  const { tags } = await world.tracking.loggedModels.get(modelId)
  expect(JSON.parse(tags[0]?.value ?? '')).toHaveLength(7)
})

test('an alias moves, and each move is told with where it came from', async () => {
  const { modelId } = await registered()
  await world.registry.registerVersion(USER, { model: 'late', source: `models:/${modelId}` })
  await world.registry.aliases.set(USER, { model: 'late', alias: 'next', version: 1 })
  await world.registry.aliases.set(USER, { model: 'late', alias: 'next', version: 1 })
  await world.registry.aliases.set(USER, { model: 'late', alias: 'next', version: 2 })
  expect(await world.registry.resolve('models:/late@next')).toMatchObject({ version: 2 })
  await world.registry.versions.delete(USER, 'late', 2)
  const told = await world.facts('model-alias-moved')
  expect(told.map(({ data }) => [data['version'], data['from']])).toEqual([
    [1, null],
    [2, 1],
    [null, 2],
  ])
  await expect(world.registry.resolve('models:/late@next')).rejects.toMatchObject({
    code: 'not-found',
  })
})

test('a protected alias moves only in a transaction of somebody who may', async () => {
  const { registry, store, facts } = world
  await registered()
  const move = { model: 'late', alias: 'champion', version: 1 }
  await expect(registry.aliases.set(USER, move)).rejects.toThrow(/orrery promote/)
  await store.transact((tx) => registry.moveAlias(tx, USER, { ...move, promotion: 'p1' }))
  await expect(registry.aliases.delete(USER, 'late', 'champion')).rejects.toMatchObject({
    code: 'conflict',
  })
  await expect(registry.versions.delete(USER, 'late', 1)).rejects.toMatchObject({
    code: 'conflict',
  })
  await expect(registry.models.delete(USER, 'late')).rejects.toMatchObject({ code: 'conflict' })
  await expect(registry.models.rename(USER, 'late', 'later')).rejects.toMatchObject({
    code: 'conflict',
  })
  expect((await facts('model-alias-moved')).map(({ data }) => data)).toEqual([
    { ...move, from: null, promotion: 'p1' },
  ])
  const { changes } = await registry.history.list('late', { kinds: ['alias'], limit: 5 })
  expect(changes).toMatchObject([{ key: 'champion', after: '1', reason: 'promotion p1' }])
})

test.each([
  ['/etc/passwd', {}],
  ['file:///etc/passwd', { runId: 'run' }],
  ['mlflow-artifacts:/0/other/artifacts/model', { runId: 'run' }],
  ['mlflow-artifacts:/0/run/artifacts/../../x', { runId: 'run' }],
  ['mlflow-artifacts:/0/run/artifacts/%252e%252e/x', { runId: 'run' }],
  ['runs:/run/model', { runId: 'f'.repeat(32) }],
  ['models:/late/1', { runId: 'f'.repeat(32) }],
  ['models:/late', {}],
  ['s3://bucket/a/../../b', {}],
])(
  'a source that is not what it seems is refused: %s',
  async (source, more: { runId?: string }) => {
    const { runId } = await registered()
    const real = (text: string) => text.replace('run/', `${runId}/`).replace(/^run$/, runId)
    await expect(
      world.registry.registerVersion(USER, {
        model: 'late',
        source: real(source),
        ...(more.runId === undefined ? {} : { runId: real(more.runId) }),
      }),
    ).rejects.toMatchObject({ code: 'invalid' })
    expect(await world.facts('model-version-registered')).toHaveLength(1)
  },
)

test('a model whose declaration cannot be read is registered with the problem on record', async () => {
  const { tracking, registry } = world
  const { runId } = await tracking.startRun(USER, {})
  const root = await tracking.artifacts.rootOf({ run: runId })
  await tracking.artifacts.put(`${root}/model/MLmodel`, Buffer.from(': : ['))
  await registry.models.create(USER, { name: 'odd' })
  const version = await registry.registerVersion(USER, {
    model: 'odd',
    source: `runs:/${runId}/model`,
  })
  expect(version.description).toMatchObject({ flavors: [], signature: null })
  expect(version.description.problems).toHaveLength(1)
})
