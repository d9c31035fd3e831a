"""Reads a file and writes another, and says so as operators of providers do."""
from datetime import datetime
from airflow.sdk import DAG, BaseOperator


class Clean(BaseOperator):
    def execute(self, context):
        return "cleaned"

    def get_openlineage_facets_on_complete(self, task_instance):
        from airflow.providers.openlineage.extractors.base import OperatorLineage
        from openlineage.client.event_v2 import InputDataset, OutputDataset
        from openlineage.client.facet_v2 import column_lineage_dataset, schema_dataset, data_quality_metrics_input_dataset

        return OperatorLineage(
            inputs=[InputDataset(
                namespace="s3://weather-lake", name="raw/2024-01.csv",
                facets={"schema": schema_dataset.SchemaDatasetFacet(fields=[
                    schema_dataset.SchemaDatasetFacetFields(name="station", type="string"),
                    schema_dataset.SchemaDatasetFacetFields(name="wind", type="double")])},
                inputFacets={"dataQualityMetrics": data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
                    rowCount=744, columnMetrics={"wind": data_quality_metrics_input_dataset.ColumnMetrics(nullCount=3)})})],
            outputs=[OutputDataset(
                namespace="orrery://flights", name="data/weather.csv",
                facets={"columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields={
                    "wind_speed": column_lineage_dataset.Fields(inputFields=[column_lineage_dataset.InputField(
                        namespace="s3://weather-lake", name="raw/2024-01.csv", field="wind")])})})],
        )


class Publish(BaseOperator):
    def execute(self, context):
        raise ValueError("the lake is closed")


with DAG("weather", start_date=datetime(2026, 1, 1), schedule=None, tags=["weather"]) as dag:
    Clean(task_id="clean") >> Publish(task_id="publish")
