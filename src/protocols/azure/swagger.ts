import type { Described, SignatureColumn } from '#inference'

/** What `/score` takes, for tools that read it: the columns of the model's signature, where it has one. */
export function swaggerOf(
  endpoint: string,
  version: string,
  { columns, revision }: Pick<Described, 'columns' | 'revision'>,
): object {
  const rows = { type: 'array', items: { type: 'array', items: {} } }
  const table = {
    type: 'object',
    required: ['data'],
    properties: {
      columns: {
        type: 'array',
        items: { type: 'string', ...(columns === null ? {} : { enum: columns.map(nameOf) }) },
      },
      index: { type: 'array', items: {} },
      data: rows,
    },
  }
  return {
    openapi: '3.0.3',
    info: {
      title: endpoint,
      version,
      description: `${revision.model} version ${revision.version}`,
    },
    paths: {
      '/score': {
        post: {
          operationId: 'RunMLService',
          requestBody: {
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  required: ['input_data'],
                  properties: {
                    input_data: { oneOf: [table, rows] },
                    params: { type: 'object' },
                  },
                },
              },
            },
          },
          responses: { 200: { description: 'The predictions, one for each row' } },
        },
      },
    },
  }
}

function nameOf({ name }: SignatureColumn): string {
  return name
}
