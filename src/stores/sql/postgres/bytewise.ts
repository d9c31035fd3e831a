import {
  CreateTableNode,
  DataTypeNode,
  RawNode,
  type AlterTableNode,
  type ColumnDefinitionNode,
  type KyselyPlugin,
  type RootOperationNode,
} from 'kysely'

/**
 * Gives every column of text that a migration makes the collation of bytes, whatever the locale of the database:
 * pages go on after a key, so all must agree on the order, and SQLite knows no other.
 */
export const bytewise: KyselyPlugin = {
  transformQuery: ({ node }) => ordered(node),
  transformResult: async ({ result }) => result,
}

function ordered(node: RootOperationNode): RootOperationNode {
  if (CreateTableNode.is(node)) return { ...node, columns: node.columns.map(column) }
  if (node.kind !== 'AlterTableNode') return node
  const { columnAlterations, ...table } = node as AlterTableNode
  if (columnAlterations === undefined) return node
  return {
    ...table,
    columnAlterations: columnAlterations.map((alteration) =>
      alteration.kind === 'AddColumnNode'
        ? { ...alteration, column: column(alteration.column) }
        : alteration,
    ),
  }
}

function column(definition: ColumnDefinitionNode): ColumnDefinitionNode {
  const { dataType } = definition
  if (!DataTypeNode.is(dataType) || dataType.dataType !== 'text') return definition
  return { ...definition, dataType: RawNode.createWithSql('text collate "C"') }
}
