# Our own code on top of the packages: changes often, builds in seconds. Root owns it; nobody in the box may write it.
ARG PACKAGES_IMAGE
FROM ${PACKAGES_IMAGE}
LABEL org.referee.stage=smoke
COPY referee_inside /opt/inside/referee_inside
# runc gives a tmpfs the mode of the folder below it, so /scratch is made writable here.
RUN chmod 1777 /scratch && chmod -R a+rX,go-w /opt/inside && /opt/referee/bin/python -m compileall -q /opt/inside
USER 10001
WORKDIR /scratch
