"""The official datanommer.models: fills a PostgreSQL with recorded messages, and answers questions about them.

    official.py fill URL MESSAGES.jsonl       makes the tables, then adds each message as datanommer's consumer does
    official.py grep URL < QUESTIONS.jsonl    answers each line with ids, total and pages, by Message.grep alone
"""

import datetime
import json
import sys

import datanommer.models as models
import datanommer.models.view
import pika
import sqlalchemy
from fedora_messaging.message import Message


class Recorded(Message):
    """A message whose publisher named people and packages in its headers."""

    def _named(self, prefix):
        headers = self._properties.headers
        return sorted(key[len(prefix):] for key in headers if key.startswith(prefix))

    @property
    def usernames(self):
        return self._named("fedora_messaging_user_")

    @property
    def packages(self):
        return self._named("fedora_messaging_rpm_")


def open_database(url):
    engine = sqlalchemy.create_engine(url.replace("postgres://", "postgresql+psycopg2://"))
    models.init(engine=engine)
    return engine


def fill(url, path):
    engine = open_database(url)
    # TimescaleDB is all that is left out: it changes where rows are, not what is found.
    after_create = models.Message.__table__.dispatch.after_create
    after_create.clear()
    models.DeclarativeBase.metadata.create_all(engine)
    with engine.begin() as connection:
        datanommer.models.view.create_view(connection)
    # It commits each message; how durable they are is not what is asked here.
    commit, models.session.commit = models.session.commit, models.session.flush
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number % 500 == 0:
                commit()
            recorded = json.loads(line)
            # As from the broker: a message that was made here would be stamped anew.
            properties = pika.BasicProperties(headers=recorded["headers"], message_id=recorded["id"])
            models.add(Recorded(topic=recorded["topic"], body=recorded["body"], properties=properties))
    commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sqlalchemy.text("ANALYZE"))


def grep(url):
    open_database(url)
    for line in sys.stdin:
        question = json.loads(line)
        for edge in ("start", "end"):
            if question.get(edge) is not None:
                question[edge] = datetime.datetime.fromisoformat(question[edge])
        total, pages, messages = models.Message.grep(**question)
        if pages == 1 and question["page"] > 1:
            # Of one page the library counts what it returns, and on the second that is nothing.
            total = models.Message.grep(**{**question, "page": 1})[0]
        print(json.dumps({"ids": [m.msg_id for m in messages], "total": total, "pages": pages}))


{"fill": fill, "grep": grep}[sys.argv[1]](*sys.argv[2:])
