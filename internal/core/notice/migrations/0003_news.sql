-- +goose Up
-- A browser that follows a case by its private link and is told that there is
-- news. browser is a blind index of its cookie of that case; the push address
-- stands sealed. ends_at: the case has ended, this is until when its last news
-- may leave.
CREATE TABLE notice_news (
	id       BYTEA  NOT NULL PRIMARY KEY,
	case_id  BYTEA  NOT NULL,
	browser  BYTEA  NOT NULL,
	endpoint BYTEA  NOT NULL,
	sealed   BYTEA  NOT NULL,
	language TEXT   NOT NULL,
	made_at  BIGINT NOT NULL,
	used_at  BIGINT,
	ends_at  BIGINT,
	UNIQUE (case_id, browser),
	UNIQUE (case_id, endpoint)
);
CREATE INDEX notice_news_ends ON notice_news (ends_at) WHERE ends_at IS NOT NULL;

-- +goose Down
DROP TABLE notice_news;
