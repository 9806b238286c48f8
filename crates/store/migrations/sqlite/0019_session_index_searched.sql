-- A logout request that omits parts of the name finds sessions by their session index.
CREATE INDEX vouchsafe_sessions_by_session_index ON vouchsafe_sessions (connection, session_indexes ->> 0);
CREATE INDEX vouchsafe_sessions_of_several ON vouchsafe_sessions (connection)
    WHERE json_array_length(session_indexes) > 1;
