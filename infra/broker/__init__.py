"""Kafka's clients and, for trying out, its broker.

kafka_client     settings of every client, from the environment
embedded_broker  librdkafka's cluster in memory
"""
