import type { Kysely } from 'kysely'
import {
  CONTEXT_TAG,
  type DatasetInput,
  type Run,
  type TrackingReads,
  type TrackingWrites,
} from '#tracking'
import type { TrackingTables } from './tables.ts'

type Db = Kysely<TrackingTables>

export function inputReads(db: Db): Pick<TrackingReads, 'datasetUses'> {
  return {
    datasetUses: async (experimentIds, limit) => {
      const rows = await db
        .selectFrom('datasets as data')
        .innerJoin('run_datasets as used', 'used.dataset_id', 'data.dataset_id')
        .select(['data.experiment_id', 'data.name', 'data.digest', 'used.context'])
        .distinct()
        .where('data.experiment_id', 'in', experimentIds.map(Number))
        .orderBy('data.experiment_id')
        .orderBy('data.name')
        .orderBy('data.digest')
        .orderBy('used.context')
        .limit(limit)
        .execute()
      return rows.map(({ experiment_id, ...use }) =>
        Object.assign(use, { experimentId: String(experiment_id) }),
      )
    },
  }
}

export function inputWrites(
  db: Db,
): Pick<TrackingWrites, 'addDatasets' | 'addModelInputs' | 'addModelOutputs'> {
  const addModels = async (rows: TrackingTables['run_models'][]) => {
    if (rows.length === 0) return
    await db
      .insertInto('run_models')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
  return {
    addDatasets: async (run, datasets) => {
      for (const dataset of datasets) await addDataset(db, run, dataset)
    },
    addModelInputs: (runId, modelIds) =>
      addModels(
        modelIds.map((id) => ({ run_id: runId, direction: 'input', model_id: id, step: 0 })),
      ),
    addModelOutputs: (runId, outputs) =>
      addModels(
        outputs.map(({ modelId, step }) => ({
          run_id: runId,
          direction: 'output',
          model_id: modelId,
          step,
        })),
      ),
  }
}

async function addDataset(db: Db, run: Run, dataset: DatasetInput): Promise<void> {
  const { name, digest, tags } = dataset
  const experiment_id = Number(run.experimentId)
  await db
    .insertInto('datasets')
    .values({
      experiment_id,
      name,
      digest,
      source_type: dataset.sourceType,
      source: dataset.source,
      schema: dataset.schema,
      profile: dataset.profile,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const { dataset_id } = await db
    .selectFrom('datasets')
    .select('dataset_id')
    .where('experiment_id', '=', experiment_id)
    .where('name', '=', name)
    .where('digest', '=', digest)
    .executeTakeFirstOrThrow()
  const { count } = await db
    .selectFrom('run_datasets')
    .select((e) => e.fn.countAll<number | string>().as('count'))
    .where('run_id', '=', run.runId)
    .executeTakeFirstOrThrow()
  await db
    .insertInto('run_datasets')
    .values({
      run_id: run.runId,
      dataset_id,
      ordinal: Number(count),
      context: tags.find((tag) => tag.key === CONTEXT_TAG)?.value ?? null,
      tags: JSON.stringify(tags),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
